"""One line on the terminal for each epoch, which moves while it is trained."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import accumulate
from logging import Logger
from typing import TYPE_CHECKING, Any

from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop

from mmc2f.engine.hooks.training_stage_hook import TrainingStageHook
from mmc2f.engine.quiet_screen import keep_progress_in_file, screens
from mmc2f.engine.time_left import TimeLeft
from mmc2f.registry import HOOKS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

__all__ = ['LiveLineHook', 'end_live_lines']

VALIDATION = 'validation'
#: Seconds between two drawings.
PAUSE = 0.25


@HOOKS.register_module()
class LiveLineHook(Hook):
    """Shows how a training gets on, where its output is a terminal. ::

        epoch 3/10 joint 120/500, 0:12:33 left, 31.5 images/s, loss 1.23: ...

    The time is that of the whole training, over all its stages and
    validations, from what those before have taken: a stage that has not
    begun is taken to cost what the present one does. Losses are means over
    the epoch so far. When the epoch ends, its line stays.

    The lines that MMEngine logs each 20 iterations are then in the log file
    alone, unless ``MMC2F_VERBOSE`` is set. Where the output is no terminal,
    the hook does nothing.

    Args:
        console: Where the line is drawn; standard output where not given.
        clock: Seconds from any start.
    """

    def __init__(
        self,
        console: 'Console | None' = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._given, self._clock = console, clock
        self._console: Console | None = None
        self._live: Live | None = None
        self._training, self._epoch = ExitStack(), ExitStack()
        self._left = TimeLeft()
        self._names: list[str] = []
        self._ends: list[int] = []
        self._begun = self._since = self._drawn = 0.0
        self._steps = self._images = 0

    def before_train(self, runner) -> None:
        """Look for a terminal."""
        self.close()
        self._console = self._terminal()
        if self._console is None:
            return
        self._names, self._ends = _stages(runner)
        self._left = TimeLeft()
        self._training.enter_context(keep_progress_in_file(runner.logger))

    def before_train_epoch(self, runner) -> None:
        """Begin to measure."""
        self._begun = self._since = self._clock()
        self._steps = self._images = 0

    def after_train_iter(
        self,
        runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Mapping[str, Any] | None = None,
    ) -> None:
        """Measure an iteration, and draw the line now and then."""
        if self._console is None:
            return
        now = self._clock()
        self._left.add_step(self._stage(runner.iter), now - self._since)
        self._since = now
        self._steps += 1
        self._images += _num_images(data_batch) * get_world_size()
        is_last = batch_idx + 1 == _length(runner)
        # Begun here and not with the epoch: the workers of the loader, which
        # are forked by now, must not take the line with them.
        if self._live is None:
            self._live = self._epoch.enter_context(
                _live_line(self._console, runner.logger)
            )
        elif now - self._drawn < PAUSE and not is_last:
            return
        self._drawn = now
        self._live.update(self._line(runner, batch_idx), refresh=True)

    def after_train_epoch(self, runner) -> None:
        """Leave the line as it is."""
        self._end_line()

    def before_val_epoch(self, runner) -> None:
        """Begin to measure."""
        self._since = self._clock()

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Note how long a validation takes."""
        self._left.add(VALIDATION, self._clock() - self._since)

    def after_train(self, runner) -> None:
        """Leave the screen to others."""
        self.close()

    def close(self) -> None:
        """Let go of the terminal and of the log, whatever has happened."""
        self._end_line()
        self._training.close()
        self._console = None

    def _end_line(self) -> None:
        self._epoch.close()
        self._live = None

    def _terminal(self) -> 'Console | None':
        from rich.console import Console

        if not is_main_process():
            return None
        if self._given is None and not sys.stdout.isatty():
            # Rich takes it for one where FORCE_COLOR is set.
            return None
        console = self._given or Console()
        is_able = console.is_terminal and not console.is_dumb_terminal
        return console if is_able else None

    def _stage(self, iteration: int) -> int:
        """Place of the stage that an iteration belongs to."""
        for place, end in enumerate(self._ends):
            if iteration < end:
                return place
        return len(self._ends) - 1

    def _line(self, runner, batch_idx: int) -> 'Text':
        from rich.text import Text

        epoch = f'epoch {runner.epoch + 1}/{runner.max_epochs}'
        name = self._names[self._stage(runner.iter)]
        begin = ' '.join(part for part in (epoch, name) if part)
        parts = [f' {batch_idx + 1}/{_length(runner)}']
        seconds = self._seconds_left(runner)
        if seconds is not None:
            parts.append(f'{timedelta(seconds=round(seconds))} left')
        spent = self._since - self._begun
        if self._images and spent > 0:
            parts.append(f'{self._images / spent:.1f} images/s')
        losses = _losses(runner, self._steps)
        if losses:
            parts.append(losses)
        line = Text.assemble((begin, 'bold'), ', '.join(parts))
        line.no_wrap, line.overflow = True, 'ellipsis'
        return line

    def _seconds_left(self, runner) -> float | None:
        done = runner.iter + 1
        begins = [0, *self._ends[:-1]]
        steps = {
            place: max(0, end - max(begin, done))
            for place, (begin, end) in enumerate(
                zip(begins, self._ends, strict=True)
            )
        }
        validations = _validations_left(runner)
        return self._left.seconds(steps, {VALIDATION: validations})


def end_live_lines(runner) -> None:
    """Give the terminal back, after a training that an error has ended."""
    for hook in runner.hooks:
        if isinstance(hook, LiveLineHook):
            hook.close()


@contextmanager
def _live_line(console: 'Console', logger: Logger) -> Iterator['Live']:
    """A line that what is printed and logged stands above.

    No thread draws it: a process that is forked beside one may hang.
    """
    from rich.live import Live

    out, err = sys.stdout, sys.stderr
    before = [(handler, handler.stream) for handler in screens(logger)]
    with Live(console=console, auto_refresh=False) as live:
        # It has put streams of its own in the place of these.
        for handler, stream in before:
            if stream is out:
                handler.setStream(sys.stdout)
            elif stream is err:
                handler.setStream(sys.stderr)
        try:
            yield live
        finally:
            for handler, stream in before:
                handler.setStream(stream)


def _length(runner) -> int:
    """Iterations of an epoch; of a training without epochs all."""
    return runner.max_iters // runner.max_epochs


def _stages(runner) -> tuple[list[str], list[int]]:
    """Names of the stages, and the iterations that they end before."""
    for hook in runner.hooks:
        if isinstance(hook, TrainingStageHook):
            ends = accumulate(stage.epochs for stage in hook.stages)
            names = [stage.name for stage in hook.stages]
            return names, [end * _length(runner) for end in ends]
    return [''], [runner.max_iters]


def _validations_left(runner) -> int:
    loop = runner.train_loop
    if runner.val_loop is None or not isinstance(loop, EpochBasedTrainLoop):
        return 0
    last = runner.max_epochs
    return sum(
        epoch >= loop.val_begin
        and (epoch % loop.val_interval == 0 or epoch == last)
        for epoch in range(runner.epoch + 1, last + 1)
    )


def _num_images(data_batch: Any) -> int:
    """Images of a batch; 0 where that cannot be told."""
    if isinstance(data_batch, Mapping):
        data_batch = data_batch.get('inputs')
    return len(data_batch) if hasattr(data_batch, '__len__') else 0


def _losses(runner, num_steps: int) -> str:
    """The loss and its parts, means of the last iterations."""
    means = {
        name.removeprefix('train/'): scalar.mean(num_steps)
        for name, scalar in runner.message_hub.log_scalars.items()
        if name.startswith('train/') and 'loss' in name
    }
    total = means.pop('loss', None)
    parts = ', '.join(
        f'{name.removeprefix("loss_")} {mean:.3g}'
        for name, mean in means.items()
    )
    if total is None:
        return parts
    return f'loss {total:.4g}' + (f': {parts}' if parts else '')
