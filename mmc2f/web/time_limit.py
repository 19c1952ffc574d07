"""An answer within a time, though what makes it may not end."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from mmc2f.web.upload import Refused

__all__ = ['Check', 'TimeLimit']

#: Calls that wait for those before them.
WAITING = 24
BUSY = 'The page is busy with other images; try again in a moment.'
T = TypeVar('T')
#: Raises once the time is over.
Check = Callable[[], None]
logger = logging.getLogger(__name__)


class TimeLimit:
    """Runs functions one after the other, and answers each call in time.

    A thread cannot be ended from outside. A call whose time is over is
    answered all the same; its function goes on until it calls ``check`` or
    ends, and what it gives is dropped. Until then no other function runs. One
    whose time is over before its turn is never run.

    Args:
        seconds: From the call to its answer, the wait for its turn included.
        waiting: Calls that wait at most; a further one is refused at once.
    """

    def __init__(self, seconds: float, waiting: int = WAITING) -> None:
        self.seconds = seconds
        self._line: queue.Queue = queue.Queue(waiting)
        self._worker: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def is_full(self) -> bool:
        """Whether a further call would be refused at once."""
        return self._line.full()

    def run(self, do: Callable[[Check], T]) -> T:
        """What a function gives, if that is in time.

        Args:
            do: Is given ``check``, which raises once the time is over; to be
                called wherever the work may be given up.

        Raises:
            Refused: It took too long, or never had its turn.
        """
        end = time.monotonic() + self.seconds
        slow = (
            f'The image took longer than {self.seconds:g} seconds and was '
            'given up.'
        )

        def check() -> None:
            if time.monotonic() > end:
                raise Refused(slow)

        future: Future[T] = Future()
        self._start()
        try:
            self._line.put_nowait((future, do, check))
        except queue.Full:
            raise Refused(BUSY) from None
        wait([future], max(0.0, end - time.monotonic()))
        if future.cancel():
            raise Refused(BUSY)
        if not future.done():
            logger.warning('an image takes longer than %g s', self.seconds)
            raise Refused(slow)
        return future.result()

    def _start(self) -> None:
        """Start the thread with the first call.

        A daemon: one of an executor would be waited for when the program
        ends.
        """
        with self._lock:
            if self._worker is None:
                self._worker = threading.Thread(
                    target=_work,
                    args=(self._line,),
                    name='mmc2f time limit',
                    daemon=True,
                )
                self._worker.start()


def _work(line: queue.Queue) -> None:
    while True:
        _answer(*line.get())


def _answer(future: Future, do: Callable[[Check], Any], check: Check) -> None:
    """Run a function, unless nobody waits for it any more."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(do(check))
    # Who waits is told whatever it is, else they would wait in vain.
    except BaseException as error:
        future.set_exception(error)
