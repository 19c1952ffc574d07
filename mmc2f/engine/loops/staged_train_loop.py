"""A training loop whose length and learning rates follow from its stages."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from signal import Signals
from typing import Any, cast

import torch
from mmengine.dataset import BaseDataset
from mmengine.dist import all_reduce, get_rank
from mmengine.runner import EpochBasedTrainLoop
from torch import nn
from torch.utils.data import DataLoader

from mmc2f.datasets.seeded_samples import (
    SeededBatchSampler,
    seed_samples,
)
from mmc2f.engine.hooks.atomic_checkpoint_hook import AtomicCheckpointHook
from mmc2f.engine.hooks.training_stage_hook import TrainingStageHook
from mmc2f.engine.stop_signals import Interrupted, StopSignals
from mmc2f.engine.training_stage import build_stages
from mmc2f.model_state import average_buffers
from mmc2f.registry import LOOPS
from mmc2f.seeding import seed_step

__all__ = ['StagedTrainLoop']

# Of the message hub, which checkpoints keep.
EPOCH_LENGTH = 'iters_per_epoch'


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
    nor ``param_scheduler`` stands in a config.

    A training is resumed in the middle of any stage, and ends with the
    weights it would have had: the random states of each sample and of each
    step follow from the seed of the run and from where they stand in it, see
    :mod:`mmc2f.seeding`. Ctrl-C or SIGTERM ends it after the iteration it is
    in: an :class:`~mmc2f.engine.AtomicCheckpointHook` then saves what it goes
    on from, in the middle of an epoch. In a validation, it ends at once where
    the epoch is saved, else afterwards.

    Args:
        runner: The runner.
        dataloader: Training data, or its config.
        stages: Settings of :class:`~mmc2f.engine.ScheduledStage` by the name
            of the stage, or a list of them with names inside.
        stage_epochs: Epochs of each stage, which then count in place of the
            stages' own ``epochs`` and ``min_iters``.
        **kwargs: ``val_begin``, ``val_interval`` and ``dynamic_intervals`` of
            MMEngine's loop.

    Attributes:
        first_batch: Batches of the epoch that a resumed training has behind
            it; 0 once it goes on.

    Raises:
        ValueError: See :func:`~mmc2f.engine.build_stages`; or schedulers or
            stages stand elsewhere in the config too; or the data do not fill
            a batch.
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
        self.first_batch = 0
        self._signals = StopSignals()
        self._seed = runner.seed
        self.dataloader: DataLoader = seed_samples(
            self.dataloader, self._seed
        )
        length = len(self.dataloader)
        _check_batches(self.dataloader)
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

    def run(self) -> nn.Module:
        """Train from where the runner has been resumed to the end."""
        self._take_over_seed()
        self.first_batch = self._batches_done()
        self.runner.call_hook('before_train')
        with StopSignals() as self._signals:
            if self._iter and not self.first_batch:
                # What was killed may not have come to it.
                self._validate_if_due()
            while self._epoch < self._max_epochs and not self.stop_training:
                self.run_epoch()
                self._stop_if_asked()
                self._validate_if_due()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train for an epoch, or for what is left of it."""
        first, self.first_batch = self.first_batch, 0
        self._batches.set_epoch(self._epoch, first)
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        for idx, data_batch in enumerate(self.dataloader, first):
            self.run_iter(idx, data_batch)
            if idx + 1 < len(self.dataloader):
                self._stop_if_asked()
        average_buffers(self.runner.model)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def run_iter(self, idx: int, data_batch: Sequence[dict]) -> None:
        """Train on a batch."""
        seed_step(self.runner.seed, self._iter, get_rank())
        super().run_iter(idx, data_batch)

    def _batches_done(self) -> int:
        """Batches of the epoch that a resumed training has behind it."""
        length, hub = len(self.dataloader), self.runner.message_hub
        # None in a new training, and in checkpoints of earlier versions.
        before = hub.runtime_info.get(EPOCH_LENGTH)
        hub.update_info(EPOCH_LENGTH, length)
        done = self._iter - self._epoch * length
        if before == length and 0 < done < length:
            return done
        if before not in (None, length):
            self.runner.logger.warning(
                f'An epoch had {before} iterations before the training was '
                f'resumed and has {length} now: epoch {self._epoch + 1} '
                'starts from its first batch'
            )
        return 0

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        if (
            self.runner.val_loop is None
            or self._epoch < self.val_begin
            or (
                self._epoch % self.val_interval
                and self._epoch != self._max_epochs
            )
        ):
            return
        hook = self._checkpoint_hook()
        # Else the weights must be saved first, which are not to be had while
        # a hook validates others in their place.
        saved = hook is not None and hook.saved_iter == self._iter
        self._signals.at_once = saved
        try:
            self.runner.val_loop.run()
        except KeyboardInterrupt:
            if not (saved and self._signals.received):
                raise
            self._stop(self._signals.received)
        finally:
            self._signals.at_once = False
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        """Save and raise, if a signal came and no gradient would be lost.

        Raises:
            Interrupted: With where the training goes on.
        """
        wrapper = self.runner.optim_wrapper
        if hasattr(wrapper, 'should_update') and not wrapper.should_update():
            return
        number = torch.tensor(self._signals.received)
        # Ranks stop at the same iteration, or some would wait for ever.
        all_reduce(number, 'max')
        if number:
            self._stop(int(number))

    def _stop(self, number: int) -> None:
        hook = self._checkpoint_hook()
        if hook is None:
            left = 'what came after the last checkpoint is lost'
        else:
            path = hook.save_interrupted(self.runner)
            left = f'--resume goes on from {path}'
        raise Interrupted(
            f'stopped by {Signals(number).name} after iteration {self._iter} '
            f'of {self._max_iters}: {left}',
            number,
        )

    def _checkpoint_hook(self) -> AtomicCheckpointHook | None:
        for hook in self.runner.hooks:
            if isinstance(hook, AtomicCheckpointHook):
                return hook
        return None

    @property
    def _batches(self) -> SeededBatchSampler:
        return cast(SeededBatchSampler, self.dataloader.batch_sampler)

    def _take_over_seed(self) -> None:
        """Give the samplers the seed that came with a checkpoint."""
        seed = self.runner.seed
        for sampler in (self._batches, self._batches.sampler):
            if getattr(sampler, 'seed', None) == self._seed:
                sampler.seed = seed
        self._seed = seed

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


def _check_batches(dataloader: DataLoader) -> None:
    """Refuse to train on nothing, which would end without a word."""
    if not len(dataloader):
        dataset: BaseDataset = dataloader.dataset
        batches: Any = dataloader.batch_sampler
        raise ValueError(
            f'the {len(dataset)} training images of this process '
            f'fill no batch of {batches.batch_size}: lower '
            'batch_size, or set drop_last=False in train_dataloader'
        )


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
