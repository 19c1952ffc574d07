"""The last checkpoint of a work dir, as the host's hook notes it down."""

import os
from pathlib import Path

from mmc2f.files.decoded_text import read_text

__all__ = ['noted_checkpoint']

NOTE = 'last_checkpoint'


def noted_checkpoint(work_dir: str | os.PathLike) -> str:
    """The checkpoint that the file ``last_checkpoint`` names.

    Args:
        work_dir: Where the file is. Of a work dir that was moved it is the
            checkpoint of that name beside the file.

    Raises:
        FileNotFoundError: There is no such file, or none that it names.
        ValueError: It is empty.
    """
    note = Path(work_dir, NOTE)
    if not note.is_file():
        raise FileNotFoundError(
            f'{note} does not exist: no training has saved a checkpoint there'
        )
    name = read_text(note).strip()
    if not name:
        raise ValueError(
            f'{note} is empty, and names no checkpoint: write the path of one '
            'into it'
        )
    for path in (Path(name), note.with_name(Path(name).name)):
        if path.exists():
            return str(path)
    raise FileNotFoundError(
        f'{note} names the checkpoint {name}, which does not exist'
    )
