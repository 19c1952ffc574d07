"""Keeps a second process out of a folder that one writes to."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from mmengine.dist import is_main_process

__all__ = ['WorkDirInUse', 'lock_work_dir']


class WorkDirInUse(OSError):
    """Another process writes to the folder."""


@contextmanager
def lock_work_dir(
    work_dir: str | os.PathLike,
    job: str = 'training',
    option: str = '--work-dir',
) -> Iterator[None]:
    """Have a work dir for oneself, as long as the ``with`` block lasts.

    Two trainings would overwrite each other's checkpoints. What only reads a
    work dir asks for no lock. The system releases it when the process ends,
    however it does: it is a POSIX lock, which worker processes do not
    inherit. Of several ranks the first holds it. Where the file system has
    no locks, a message says so.

    Args:
        work_dir: Folder, made where it is missing. ``JOB.lock`` in it stays,
            its lock does not.
        job: What is done there.
        option: Of the command line, which names another folder.

    Raises:
        WorkDirInUse: With the process that has it, and its host.
    """
    if not is_main_process():
        yield
        return
    folder = Path(work_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f'{job}.lock').open('a+', encoding='utf-8') as file:
        _lock(file, folder, job, option)
        yield


def _lock(file: TextIO, folder: Path, job: str, option: str) -> None:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise WorkDirInUse(
            f'{folder} is in use by another {job}{_owner(file)}: wait for it '
            f'to end, or give another {option}'
        ) from error
    except OSError as error:
        print(
            f'{folder} cannot be locked ({error.strerror}): see to it that no '
            f'other {job} uses it'
        )
        return
    file.truncate(0)
    json.dump(dict(pid=os.getpid(), host=socket.gethostname()), file)
    file.flush()


def _owner(file: TextIO) -> str:
    file.seek(0)
    try:
        owner = json.load(file)
    except ValueError:
        # It has just taken the lock, and not written yet.
        return ''
    return f', process {owner["pid"]} on {owner["host"]}'
