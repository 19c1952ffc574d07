"""Moments at which a process kills itself, as ``kill -9`` would."""

import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

#: Audit events of Python by the kind of a moment; each comes before the deed.
EVENTS = {'open': 'open', 'rename': 'os.rename', 'remove': 'os.remove'}


class Moment(NamedTuple):
    """When a process ends.

    Attributes:
        kind: ``'iteration'`` of a training; ``'stop'``, a SIGTERM in one;
            ``'half'``, in the middle of writing a checkpoint; ``'image'`` of
            the training set, embedded for a gallery; ``'open'``, ``'rename'``
            and ``'remove'`` of a file, once the process trains or tests.
        number: Of the iteration in the training, else of the event in the
            process, from 1.
    """

    kind: str
    number: int


def arm(moment: Moment | None) -> None:
    """Have this process end at a moment; None lets it live."""
    if moment is None:
        return
    kind, number = moment
    if kind in EVENTS:
        _on_event(EVENTS[kind], number)
    else:
        {
            'iteration': _in_iteration,
            'stop': _in_iteration,
            'half': _in_write,
            'image': _at_image,
        }[kind](number, signal.SIGTERM if kind == 'stop' else signal.SIGKILL)


class _Countdown:
    """Sends this process a signal when it has been called so many times."""

    def __init__(self, number: int, what: int = signal.SIGKILL) -> None:
        self.left, self.what = number, what

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), self.what)


def _on_event(event: str, number: int) -> None:
    process, countdown = os.getpid(), _Countdown(number)

    def hook(name: str, args: tuple) -> None:
        # Not in the workers, which inherit the hook.
        if name == event and os.getpid() == process:
            countdown()

    sys.addaudithook(hook)


def _in_iteration(number: int, what: int) -> None:
    from mmc2f.engine import StagedTrainLoop

    run_iter = StagedTrainLoop.run_iter

    def run_or_die(loop, idx, data_batch):
        if loop.iter == number:
            os.kill(os.getpid(), what)
        run_iter(loop, idx, data_batch)

    StagedTrainLoop.run_iter = run_or_die


def _in_write(number: int, what: int) -> None:
    write, countdown = Path.write_bytes, _Countdown(number, what)

    def write_half(path, content):
        if path.suffix == '.pth':
            write(path, content[: len(content) // 2])
            countdown()
        return write(path, content)

    Path.write_bytes = write_half


def _at_image(number: int, what: int) -> None:
    # The package has a function of that name.
    module = import_module('mmc2f.retrieval.build_gallery')
    read_row, countdown = module._read_row, _Countdown(number, what)

    def read_or_die(*args):
        countdown()
        return read_row(*args)

    module._read_row = read_or_die
