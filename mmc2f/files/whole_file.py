"""Files that are whole: the former one stays until the new one is done."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ['write_bytes', 'write_text', 'written_whole']


@contextmanager
def written_whole(path: str | os.PathLike) -> Iterator[Path]:
    """Have a file written aside, then synced and renamed. ::

        with written_whole('table.json') as part:
            part.write_text('{}')

    Where the block ends with an error, on a full disk for instance, the file
    is what it was before. A reader sees the former content or the new one,
    and so does who starts the machine again after it lost its power.

    Args:
        path: File to write; its folder is made. A link is followed. What is
            there but no regular file, such as a pipe, is written to as it
            is.

    Yields:
        Path to write to, with the same ending, in the same folder.

    Raises:
        OSError: The file cannot be written; of the class that fits, such as
            ``PermissionError``, and with the name of the file.
    """
    # Python's own name for a path, so that errors do not show what is aside.
    path = Path(path)
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            yield target
            return
        if not target.parent.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(
            f'.{target.stem}.{os.getpid()}.part{target.suffix}'
        )
        try:
            yield part
            _sync(part)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        reason = f'{error.strerror or error}; what was there is kept'
        if error.errno is None:
            raise OSError(f'{path} not written: {reason}') from error
        # With a number Python chooses the class.
        raise OSError(error.errno, f'not written: {reason}', str(path)) from (
            error
        )
    # The rename, too, is to outlast a loss of power. Some file systems do
    # not sync folders.
    with suppress(OSError):
        _sync(target.parent)


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Write a whole file, see :func:`written_whole`."""
    with written_whole(path) as part:
        part.write_bytes(content)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a whole file in UTF-8, see :func:`written_whole`."""
    write_bytes(path, text.encode())


def _sync(path: Path) -> None:
    """Have a file or a folder written through to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
