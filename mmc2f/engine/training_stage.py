"""One stage of a training: its length, losses, frozen parts and schedule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import ceil
from numbers import Integral

__all__ = ['ScheduledStage', 'TrainingStage', 'build_stages']


@dataclass(frozen=True)
class TrainingStage:
    """One stage as :class:`~mmc2f.engine.TrainingStageHook` needs it.

    Args:
        name: For the log.
        epochs: How long it lasts.
        losses: Active losses, given to ``model.set_losses``. A model that
            has no losses to choose, such as mmpretrain's classifiers, gets
            none.
        frozen: Names of modules that are not trained, and whose
            normalisation and dropout are in evaluation mode.
        norm_eval: Names of modules that are trained with their batch
            normalisation on running statistics: whole images and crops have
            different statistics, and a shared backbone sees both.
        lr_scale: The stage starts with this part of the initial learning
            rates.
        warm_start: Classifiers that start the stage from what the global one
            has learned, given to ``model.warm_start``.
    """

    name: str
    epochs: int
    losses: Sequence[str] = ()
    frozen: Sequence[str] = ()
    norm_eval: Sequence[str] = ()
    lr_scale: float = 1.0
    warm_start: Sequence[str] = ()


@dataclass(frozen=True)
class ScheduledStage(TrainingStage):
    """One stage of :class:`~mmc2f.engine.StagedTrainLoop`.

    Args:
        epochs: How long it lasts at least.
        min_iters: So many iterations at least: where the epochs have fewer,
            as on a small data set, there are more of them. 0 is no limit.
        schedule: Config of a scheduler of MMEngine, without ``begin`` and
            ``end``, and without ``T_max`` for a cosine, which then falls
            with each iteration to the end of the stage. None keeps the
            rate.
        warmup_iters: The rate rises linearly over the first so many
            iterations, at most half of the stage. It multiplies the
            schedule.
        warmup_factor: Part of the rate that the warm-up starts with.
    """

    min_iters: int = 0
    schedule: Mapping | None = None
    warmup_iters: int = 0
    warmup_factor: float = 0.1

    def lasting(self, iters_per_epoch: int) -> 'ScheduledStage':
        """The stage with enough epochs for ``min_iters`` iterations."""
        needed = ceil(self.min_iters / max(iters_per_epoch, 1))
        return replace(self, epochs=max(self.epochs, needed))

    def schedulers(self, begin: int, iters_per_epoch: int) -> list[dict]:
        """Configs of its schedulers.

        Args:
            begin: Epoch, from 0, that it begins with.
            iters_per_epoch: Batches of an epoch.
        """
        configs = []
        if self.schedule is not None:
            schedule = dict(self.schedule)
            if 'CosineAnnealing' in schedule['type']:
                schedule.setdefault('T_max', self.epochs)
                schedule.setdefault('by_epoch', True)
                schedule.setdefault('convert_to_iter_based', True)
            configs.append(
                dict(schedule, begin=begin, end=begin + self.epochs)
            )
        length = min(self.warmup_iters, self.epochs * iters_per_epoch // 2)
        if length > 0:
            first = begin * iters_per_epoch
            configs.append(
                dict(
                    type='LinearLR',
                    start_factor=self.warmup_factor,
                    by_epoch=False,
                    begin=first,
                    end=first + length,
                )
            )
        return configs


def build_stages(
    stages: Mapping[str, Mapping] | Sequence[Mapping],
    stage_epochs: Sequence[int] | int | None = None,
) -> list[ScheduledStage]:
    """Stages from their configs.

    Args:
        stages: Arguments of :class:`ScheduledStage` by its name, or a list
            of them with the names inside.
        stage_epochs: Epochs of each stage. They replace ``epochs`` and
            ``min_iters`` of the stages; one number will do for one stage.

    Raises:
        ValueError: No stage, an unknown setting, a stage without whole
            epochs, or not one number of epochs a stage.
    """
    if isinstance(stages, Mapping):
        stages = [dict(stage, name=name) for name, stage in stages.items()]
    settings = [dict(stage) for stage in stages]
    names = [str(stage.get('name')) for stage in settings]
    if stage_epochs is not None:
        if isinstance(stage_epochs, str) or not isinstance(
            stage_epochs, Sequence
        ):
            stage_epochs = [stage_epochs]
        if len(stage_epochs) != len(settings):
            raise ValueError(
                f'stage_epochs {tuple(stage_epochs)} has {len(stage_epochs)} '
                f'numbers for {len(settings)} stages ({", ".join(names)}): '
                'give one a stage'
            )
        for stage, epochs in zip(settings, stage_epochs, strict=True):
            stage.update(epochs=epochs, min_iters=0)
    known = [field.name for field in fields(ScheduledStage)]
    for stage in settings:
        unknown = set(stage) - set(known)
        if unknown:
            raise ValueError(
                f'stage "{stage.get("name")}" has {sorted(unknown)}; a stage '
                f'has {", ".join(known)}'
            )
    built = [ScheduledStage(**stage) for stage in settings]
    check_lengths(built)
    return built


def check_lengths(stages: Sequence[TrainingStage]) -> None:
    """Refuse no stage at all and stages without whole epochs.

    Raises:
        ValueError: With the epochs of each stage.
    """
    if not stages or not all(_is_length(stage.epochs) for stage in stages):
        raise ValueError(
            'training needs at least one stage, each of one or more whole '
            f'epochs, got {[(s.name, s.epochs) for s in stages]}'
        )


def _is_length(epochs: object) -> bool:
    if isinstance(epochs, bool) or not isinstance(epochs, Integral):
        return False
    return int(epochs) >= 1
