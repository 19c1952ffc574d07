"""Moments at which a process kills itself, as ``kill -9`` would."""

import os
import resource
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

#: Audit events of Python by the kind of a moment; each comes before the deed.
EVENTS = {'open': 'open', 'rename': 'os.rename', 'remove': 'os.remove'}


class Moment(NamedTuple):
    """When a process ends.

    Attributes:
        kind: ``'iteration'`` of a training; ``'stop'``, a SIGTERM in one;
            ``'half'``, in the middle of writing a checkpoint; ``'full'``, a
            disk that is full from a checkpoint on; ``'image'`` of
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
    elif kind == 'iteration':
        _in_iteration(number, signal.SIGKILL)
    elif kind == 'stop':
        _in_iteration(number, signal.SIGTERM)
    elif kind == 'image':
        _at_image(number)
    else:
        _in_write(number, dict(half=_kill, full=_fill_disk)[kind])


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fill_disk() -> None:
    """No file can get longer than a kilobyte any more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


class _Countdown:
    """Does something when it has been called so many times."""

    def __init__(self, number: int, deed: Callable[[], None] = _kill) -> None:
        self.left, self.deed = number, deed

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.deed()


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


def _in_write(number: int, deed: Callable[[], None]) -> None:
    write, countdown = Path.write_bytes, _Countdown(number, deed)

    def write_half(path, content):
        if path.suffix == '.pth':
            write(path, content[: len(content) // 2])
            countdown()
        return write(path, content)

    Path.write_bytes = write_half


def _at_image(number: int) -> None:
    # The package has a function of that name.
    module = import_module('mmc2f.retrieval.build_gallery')
    read_row, countdown = module._read_row, _Countdown(number)

    def read_or_die(*args):
        countdown()
        return read_row(*args)

    module._read_row = read_or_die
