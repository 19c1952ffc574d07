"""Several training stages in one run."""

from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapperDict
from torch import nn

from mmc2f.engine.training_stage import TrainingStage, check_lengths
from mmc2f.model_state import unwrap_model, whole_weights
from mmc2f.registry import HOOKS

NORMS = nn.modules.batchnorm._NormBase


@HOOKS.register_module()
class TrainingStageHook(Hook):
    """Leads a model through its training stages.

    CCFR has three (its Section 4.2), MLPH two (its Section 4.1).

    The stage follows from the epoch alone, so a resumed run goes on in the
    stage it was in. At the end of a stage every learning rate returns to its
    initial value, times the next stage's ``lr_scale``, before the schedulers
    step: a scheduler whose ``begin`` is the first epoch of a stage starts
    afresh, one without an end at the boundary would go on from there.

    :class:`~mmc2f.engine.StagedTrainLoop` makes this hook, and the schedulers
    too. In the ``custom_hooks`` of a config it needs a ``max_epochs`` and
    schedulers that agree with it.

    Args:
        stages: :class:`TrainingStage`, or keyword arguments of it, in order.
            Their epochs add up to ``train_cfg.max_epochs``.

    Raises:
        ValueError: No stage, a stage without epochs, epochs that do not add
            up, a name of no module, or a loss that the model does not have.
    """

    # After the logger (60), which still reports the stage's own learning
    # rate, and before the schedulers (70), which build on what we set.
    priority = 65

    def __init__(self, stages: Sequence[TrainingStage | dict]) -> None:
        self.stages = [
            stage
            if isinstance(stage, TrainingStage)
            else TrainingStage(**stage)
            for stage in stages
        ]
        check_lengths(self.stages)
        self._entered: TrainingStage | None = None
        self._trained: list[nn.Parameter] = []

    def stage_at(self, epoch: int) -> TrainingStage:
        """The stage that epoch ``epoch`` (from 0) belongs to."""
        for stage, end in zip(self.stages, self._ends(), strict=True):
            if epoch < end:
                return stage
        return self.stages[-1]

    def _ends(self) -> list[int]:
        ends, total = [], 0
        for stage in self.stages:
            total += stage.epochs
            ends.append(total)
        return ends

    def before_train(self, runner) -> None:
        """Check the stages against the loop and the model."""
        total = self._ends()[-1]
        if total != runner.max_epochs:
            epochs = {stage.name: stage.epochs for stage in self.stages}
            raise ValueError(
                f'the stages last {total} epochs ({epochs}), but '
                f'train_cfg.max_epochs is {runner.max_epochs}'
            )
        model = unwrap_model(runner.model)
        for stage in self.stages:
            names = (*stage.frozen, *stage.norm_eval, *stage.warm_start)
            _named(model, stage, names)
            _set_losses(model, stage)
            if stage.warm_start and not hasattr(model, 'warm_start'):
                raise ValueError(
                    f'stage "{stage.name}" has a warm_start, which '
                    f'{type(model).__name__} does not offer: leave it out, '
                    'or take mmc2f.CCFR'
                )
        # What the model froze itself is none of the stages' business.
        self._trained = [p for p in model.parameters() if p.requires_grad]
        self._entered = None
        if runner.iter == 0:
            # The schedulers have set the rates already, some a warm-up's.
            for group in _groups(runner.optim_wrapper):
                # Schedulers have noted it; without any, the rate is the start.
                group.setdefault('initial_lr', group['lr'])
                group['lr'] *= self.stages[0].lr_scale
        self._enter(runner)

    def before_train_epoch(self, runner) -> None:
        """Enter the stage of this epoch."""
        self._enter(runner)

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Keep what is frozen in evaluation mode.

        The loop calls ``model.train()`` after ``before_train_epoch`` and
        after each validation.
        """
        model, stage = unwrap_model(runner.model), self._entered
        # before_train has entered one.
        assert stage is not None
        resting = _named(model, stage, stage.frozen)
        for module in _named(model, stage, stage.norm_eval):
            resting += [m for m in module.modules() if isinstance(m, NORMS)]
        for module in resting:
            if module.training:
                module.eval()

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Set the learning rates of the next stage as one ends."""
        last = batch_idx == len(runner.train_dataloader) - 1
        if last and runner.epoch + 1 in self._ends()[:-1]:
            _start_learning_rates(
                runner.optim_wrapper, self.stage_at(runner.epoch + 1)
            )

    def _enter(self, runner) -> None:
        stage = self.stage_at(runner.epoch)
        if stage is self._entered:
            return
        model = unwrap_model(runner.model)
        for parameter in self._trained:
            parameter.requires_grad_(True)
        for module in _named(model, stage, stage.frozen):
            module.requires_grad_(False)
        # Where gradients accumulate, some of the last stage may be left.
        runner.optim_wrapper.zero_grad()
        _set_losses(model, stage)
        # Not so where a training is resumed within the epoch.
        begins = not getattr(runner.train_loop, 'first_batch', 0)
        is_new = begins and runner.epoch in (0, *self._ends())
        if stage.warm_start and is_new:
            with whole_weights(runner.model):
                model.warm_start(stage.warm_start)
        self._entered = stage
        _forget_losses(runner.message_hub)
        runner.logger.info(
            f'Stage {self.stages.index(stage) + 1}/{len(self.stages)} '
            f'"{stage.name}": {stage.epochs} epochs, losses '
            f'{", ".join(stage.losses) or "of the model"}; frozen: '
            f'{", ".join(stage.frozen) or "nothing"}'
        )


def _set_losses(model: BaseModel, stage: TrainingStage) -> None:
    """Choose the losses of a stage, where the model has a choice.

    Raises:
        ValueError: It has none, but the stage names some.
    """
    if hasattr(model, 'set_losses'):
        model.set_losses(stage.losses)
    elif stage.losses:
        raise ValueError(
            f'stage "{stage.name}" names the losses {tuple(stage.losses)}, '
            f'but {type(model).__name__} has no losses to choose: leave them '
            'out, or take a model with set_losses, such as mmc2f.CCFR'
        )


def _named(
    model: nn.Module, stage: TrainingStage, names: Sequence[str]
) -> list[nn.Module]:
    """The modules of these names.

    Raises:
        ValueError: The model has no such part.
    """
    modules = dict(model.named_modules())
    missing = [name for name in names if name not in modules]
    if missing:
        raise ValueError(
            f'stage "{stage.name}" names {missing}, which the model does '
            f'not have; its parts are {[n for n, _ in model.named_children()]}'
        )
    return [modules[name] for name in names]


def _forget_losses(message_hub: MessageHub) -> None:
    """Drop the last stage's losses, which the log would repeat for ever."""
    for name in list(message_hub.log_scalars):
        if name.startswith('train/') and not name.endswith('time'):
            del message_hub.log_scalars[name]


def _start_learning_rates(optim_wrapper, stage: TrainingStage) -> None:
    for group in _groups(optim_wrapper):
        group['lr'] = group['initial_lr'] * stage.lr_scale


def _groups(optim_wrapper) -> list[dict]:
    """Parameter groups of all optimizers."""
    if isinstance(optim_wrapper, OptimWrapperDict):
        wrappers = optim_wrapper.values()
        return [g for wrapper in wrappers for g in wrapper.param_groups]
    return optim_wrapper.param_groups
