"""Stops a training whose loss is NaN or infinite."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from torch import Tensor

from mmc2f.engine.hooks.atomic_checkpoint_hook import LAST
from mmc2f.engine.hooks.training_stage_hook import TrainingStageHook
from mmc2f.registry import HOOKS

NUM_SHOWN = 3


class DivergedError(FloatingPointError):
    """A training has diverged; what it does from now on is worthless."""


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stops a training that has diverged, and keeps its last good checkpoint.

    A NaN spreads to every weight and stays; the training would go on to its
    end, and overwrite the checkpoints of before. The loss is looked at after
    every iteration (the log has asked the device for it already), the
    weights before they are saved: a gradient can be NaN where the loss is
    not.

    Raises:
        DivergedError: With the stage, the epoch and the iteration.
    """

    # After the hook that writes the loss down, before those that save.
    priority = 'HIGH'

    def after_train_iter(
        self,
        runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Mapping[str, Any] | None = None,
    ) -> None:
        """Look at the loss of an iteration."""
        outputs = outputs or {}
        if 'loss' not in outputs:
            return
        value = _number(outputs['loss'])
        if math.isfinite(value):
            return
        parts = [
            f'{name} {_number(part)}'
            for name, part in outputs.items()
            if name != 'loss' and not math.isfinite(_number(part))
        ]
        of_parts = f' ({", ".join(parts)})' if parts else ''
        raise DivergedError(
            f'the loss is {value}{of_parts} {_moment(runner)}: '
            f'{_what_to_do(runner)}'
        )

    def before_save_checkpoint(
        self, runner, checkpoint: dict[str, Any]
    ) -> None:
        """Look at the weights that are to be saved."""
        broken = [
            name
            for name, value in checkpoint.get('state_dict', {}).items()
            if isinstance(value, Tensor)
            and value.is_floating_point()
            and bool(value.isnan().any())
        ]
        if broken:
            raise DivergedError(
                f'{len(broken)} weights are NaN ({_some(broken)}) '
                f'{_moment(runner)}, and are not saved: '
                f'{_what_to_do(runner)}'
            )


def _number(value: Tensor | float) -> float:
    return value.item() if isinstance(value, Tensor) else float(value)


def _moment(runner) -> str:
    """Where in the training it is, counted from 1."""
    stage = next(
        (
            f'in stage "{hook.stage_at(runner.epoch).name}", '
            for hook in runner.hooks
            if isinstance(hook, TrainingStageHook)
        ),
        '',
    )
    return f'{stage}epoch {runner.epoch + 1}, iteration {runner.iter + 1}'


def _what_to_do(runner) -> str:
    last = Path(runner.work_dir, LAST)
    good = 'there is no checkpoint yet'
    if last.is_file():
        path = os.fsdecode(last.read_bytes()).strip()
        good = f'the last good checkpoint is {path}'
    return f'{good}; lower the learning rate, or clip the gradients'


def _some(names: Sequence[str]) -> str:
    more = ', ...' if len(names) > NUM_SHOWN else ''
    return ', '.join(names[:NUM_SHOWN]) + more
