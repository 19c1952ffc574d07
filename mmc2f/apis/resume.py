"""Finds the checkpoint that an interrupted training goes on from."""

import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process

from mmc2f.engine.hooks.atomic_checkpoint_hook import INTERRUPTED, LAST

__all__ = ['latest_checkpoint', 'resume_from_latest']

_NUMBERED = re.compile(r'(?:epoch|iter)_(\d+)\.pth')


def resume_from_latest(cfg: Config, load_from: str | None = None) -> None:
    """Write the checkpoint that ``--resume`` goes on from into the config.

    Where the work dir has none, as after a kill before the first was saved,
    the training starts afresh. Either is printed.

    Args:
        cfg: Full config, changed in place. Nothing happens unless it is to
            be resumed (``resume``) from no file in particular
            (``load_from``).
        load_from: Weights that a fresh training begins with.

    Raises:
        ValueError: There are checkpoints, but all are damaged.
    """
    if not cfg.get('resume') or cfg.get('load_from'):
        return
    path = latest_checkpoint(cfg.work_dir)
    if path is None:
        _tell(
            f'{cfg.work_dir} has no checkpoint to resume from: the training '
            'starts afresh'
        )
        cfg.resume, cfg.load_from = False, load_from
    else:
        cfg.load_from = path


def latest_checkpoint(work_dir: str | os.PathLike) -> str | None:
    """The latest checkpoint of a work dir that is whole.

    That is the one which the file ``last_checkpoint`` names. Where either is
    damaged or missing it is the newest that is whole, which is printed.

    Returns:
        Its path, or None where there has never been one.

    Raises:
        ValueError: There are checkpoints, but all are damaged.
    """
    faults: dict[Path, str] = {}
    for path in _candidates(Path(work_dir)):
        fault = _fault(path)
        if fault is not None:
            faults[path] = fault
            continue
        if faults:
            _tell(f'{_listing(faults)}: the training goes on from {path}')
        return str(path)
    if faults:
        raise ValueError(
            f'there is nothing to resume from: {_listing(faults)}; remove '
            'what is damaged to start afresh, or name a checkpoint'
        )
    return None


def _candidates(work_dir: Path) -> Iterator[Path]:
    """Checkpoints that are or should be there, the latest first."""
    folder = work_dir
    last = work_dir / LAST
    if last.is_file():
        name = os.fsdecode(last.read_bytes()).strip()
        # An empty name is a fault of the file itself.
        named = Path(name) if name else last
        moved = work_dir / named.name
        if not named.exists() and moved.exists():
            named = moved
        if name:
            folder = named.parent
        yield named
    interrupted = folder / INTERRUPTED
    if interrupted.exists():
        yield interrupted
    numbered = {
        path: int(match[1])
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (match := _NUMBERED.fullmatch(path.name))
    }
    yield from sorted(numbered, key=numbered.__getitem__, reverse=True)


def _fault(path: Path) -> str | None:
    """What is wrong with a checkpoint; None if it is whole."""
    if not path.exists():
        return 'is missing'
    if path.is_dir():
        # Shards of several processes, which only their reader can check.
        return None
    if path.stat().st_size == 0:
        return 'is empty'
    try:
        # Torch itself does not compare the checksums.
        with zipfile.ZipFile(path) as archive:
            member = archive.testzip()
    # Damage makes zipfile raise errors of any type.
    except Exception as error:
        return f'is damaged ({error})'
    return None if member is None else f'is damaged (in {member})'


def _listing(faults: Mapping[Path, str]) -> str:
    return ', '.join(f'{path} {fault}' for path, fault in faults.items())


def _tell(message: str) -> None:
    """There is no logger yet."""
    if is_main_process():
        print(message)
