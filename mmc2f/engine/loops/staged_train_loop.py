"""A training loop whose length and learning rates follow from its stages."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from mmengine.runner import EpochBasedTrainLoop
from torch.utils.data import DataLoader

from mmc2f.engine.hooks.training_stage_hook import TrainingStageHook
from mmc2f.engine.training_stage import build_stages
from mmc2f.registry import LOOPS

__all__ = ['StagedTrainLoop']


@LOOPS.register_module()
class StagedTrainLoop(EpochBasedTrainLoop):
    """MMEngine's epoch loop for a training in stages. ::

        train_cfg = dict(
            type='mmc2f.StagedTrainLoop',
            stages=dict(
                classifier=dict(epochs=1, frozen=('backbone',)),
                everything=dict(
                    epochs=5,
                    min_iters=500,
                    warmup_iters=50,
                    schedule=dict(type='CosineAnnealingLR'),
                ),
            ),
        )

    It sums the epochs of the stages, makes the schedulers of each stage, and
    leads the model through them with a
    :class:`~mmc2f.engine.TrainingStageHook`, so that neither ``max_epochs``
    nor ``param_scheduler`` stands in a config. A training is resumed in the
    middle of any stage.

    Args:
        runner: The runner.
        dataloader: Training data, or its config.
        stages: Settings of :class:`~mmc2f.engine.ScheduledStage` by the name
            of the stage, or a list of them with names inside.
        stage_epochs: Epochs of each stage, which then count in place of the
            stages' own ``epochs`` and ``min_iters``.
        **kwargs: ``val_begin``, ``val_interval`` and ``dynamic_intervals`` of
            MMEngine's loop.

    Raises:
        ValueError: See :func:`~mmc2f.engine.build_stages`; or schedulers or
            stages stand elsewhere in the config too.
    """

    def __init__(
        self,
        runner,
        dataloader: DataLoader | dict,
        stages: Mapping[str, Mapping] | Sequence[Mapping],
        stage_epochs: Sequence[int] | int | None = None,
        **kwargs,
    ) -> None:
        asked = build_stages(stages, stage_epochs)
        _check_alone(runner)
        # How long the stages are is known when the data is.
        super().__init__(runner, dataloader, max_epochs=0, **kwargs)
        length = len(self.dataloader)
        self.stages = [stage.lasting(length) for stage in asked]
        self._max_epochs = sum(stage.epochs for stage in self.stages)
        self._max_iters = self._max_epochs * length
        raised = [
            f'{new.name} {old.epochs} -> {new.epochs}'
            for old, new in zip(asked, self.stages, strict=True)
            if new.epochs > old.epochs
        ]
        if raised:
            runner.logger.info(
                f'An epoch has {length} iterations; epochs are raised to '
                f'reach min_iters: {", ".join(raised)}'
            )
        runner.param_schedulers = self._schedulers() or None
        runner.register_hook(TrainingStageHook(self.stages))

    def _schedulers(self) -> list[dict]:
        """Of all stages; each begins and ends with its stage."""
        ends = accumulate(stage.epochs for stage in self.stages)
        return [
            scheduler
            for stage, end in zip(self.stages, ends, strict=True)
            for scheduler in stage.schedulers(
                end - stage.epochs, len(self.dataloader)
            )
        ]


def _check_alone(runner) -> None:
    """Refuse a config that also has schedulers or stages of the old way."""
    if runner.param_schedulers:
        raise ValueError(
            'the config has a param_scheduler, but the stages of '
            'StagedTrainLoop have schedules of their own: move it to the '
            'schedule of a stage'
        )
    if any(isinstance(hook, TrainingStageHook) for hook in runner.hooks):
        raise ValueError(
            'custom_hooks has a TrainingStageHook, which StagedTrainLoop '
            'makes itself: move its stages to train_cfg.stages'
        )
