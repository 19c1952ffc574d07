"""What the commands of ``mmc2f draw`` have in common."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, Union

import typer

from mmc2f.cli.screen import Answers

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

__all__ = ['Out', 'finish']

Out = Annotated[
    Optional[Path],  # noqa: UP045 (typer before 0.15 on Python 3.10)
    typer.Option(
        '--out',
        metavar='FILE',
        show_default=False,
        help='The picture; its ending tells the format (.png). By default it '
        'is called as the command, in the working folder.',
    ),
]


def finish(
    answers: Answers,
    picture: Union['Figure', 'np.ndarray'],
    out: Path | None,
    kind: str,
    facts: dict[str, Any] | None = None,
) -> None:
    """Write the picture, and tell of it.

    Args:
        answers: Of the command.
        picture: See :func:`mmc2f.visualization.save_picture`.
        out: Where to.
        kind: Its name without an ending, where no place is given.
        facts: Numbers behind it, which are then told in JSON.

    Raises:
        OSError: The file cannot be written.
        ValueError: There is no format of such an ending.
    """
    from mmc2f.visualization import save_picture

    path = out or Path(f'{kind}.png')
    save_picture(picture, path)
    if facts is None:
        answers(f'picture: {path}')
    else:
        answers(json.dumps({**facts, 'picture': str(path)}, indent=2))
