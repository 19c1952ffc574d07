"""Ctrl-C and its like wait until a training can be left."""

import os
import signal
import threading
import time
from types import FrameType
from typing import Any

__all__ = ['Interrupted', 'StopSignals']

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: A launcher passes on what the terminal has sent to all processes already.
_SAME_SECONDS = 2.0


class Interrupted(KeyboardInterrupt):
    """A training was stopped by a signal, and left as the message says.

    Attributes:
        exit_code: 130 after Ctrl-C, 143 after SIGTERM, as shells have it.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class StopSignals:
    """Within its ``with`` block SIGINT and SIGTERM are noted, not obeyed.

    A second one, more than two seconds later, does what it did before. Only
    Python's main thread can be asked to wait; in others nothing changes.

    Attributes:
        received: Number of the first signal, 0 before.
        at_once: Raise ``KeyboardInterrupt`` for it, as nothing is lost.
    """

    def __init__(self) -> None:
        self.received = 0
        self.at_once = False
        self._since = 0.0
        self._process = os.getpid()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> 'StopSignals':
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        self._give_back()

    def _note(self, number: int, frame: FrameType | None) -> None:
        # Forked workers inherit this, and so live on until they are told.
        if os.getpid() != self._process:
            return
        now = time.monotonic()
        if self.received:
            if now - self._since > _SAME_SECONDS:
                self._give_back()
                signal.raise_signal(number)
            return
        self.received, self._since = number, now
        if self.at_once:
            raise KeyboardInterrupt
        name = signal.Signals(number).name
        # print() may not be entered twice, and we may be within one.
        os.write(
            2,
            f'\n{name}: saving after this step; again to stop now\n'.encode(),
        )

    def _give_back(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())
