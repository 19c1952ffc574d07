"""Another process that trains in a work dir, as far as its lock goes."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

from mmc2f.apis import lock_work_dir


@contextmanager
def held(folder: Path) -> Iterator[BaseProcess]:
    """A process that has the lock until it is killed, at the end at last.

    It has a child, as a training has its loader workers, which outlives it.
    """
    fork = multiprocessing.get_context('fork')
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=_hold, args=(folder, sender))
    process.start()
    child = receiver.recv()
    try:
        yield process
    finally:
        process.kill()
        process.join()
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _hold(folder: Path, sender) -> None:
    with lock_work_dir(folder):
        child = os.fork()
        if child:
            sender.send(child)
        time.sleep(600)
