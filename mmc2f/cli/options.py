"""Arguments and options that several commands have in common."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from mmc2f.cli.screen import SETTINGS

__all__ = [
    'BatchSize',
    'Cascade',
    'CheckpointOption',
    'Debug',
    'Device',
    'GalleryOption',
    'Json',
    'ModelArgument',
    'Rerank',
    'Trust',
    'Verbose',
]


def _set_verbose(value: bool) -> bool:
    SETTINGS.verbose = value
    return value


def _set_debug(value: bool) -> bool:
    SETTINGS.debug = value
    return value


def _probability_or_auto(value: str | None) -> str | None:
    if value is None or value == 'auto':
        return value
    try:
        is_probability = 0 <= float(value) <= 1
    except ValueError:
        is_probability = False
    if not is_probability:
        raise typer.BadParameter('it is auto or a number in [0, 1]')
    return value


ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar='MODEL',
        show_default=False,
        help='Work dir of a training, or a config: its path, or the name of '
        'a shipped one.',
    ),
]
CheckpointOption = Annotated[
    Optional[Path],  # noqa: UP045 (typer before 0.15 on Python 3.10)
    typer.Option(
        '--checkpoint',
        metavar='FILE',
        show_default=False,
        help='Weights; by default the last of the work dir.',
    ),
]
GalleryOption = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        '--gallery',
        metavar='FILE',
        show_default=False,
        help='By default gallery.safetensors of the work dir, where there is '
        'one.',
    ),
]
Rerank = Annotated[
    bool,
    typer.Option(
        '--rerank/--no-rerank', help='Re-rank by the gallery, or not.'
    ),
]
Cascade = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar='auto|THRESHOLD',
        show_default=False,
        callback=_probability_or_auto,
        help='Regions and gallery only for images that the global pass is '
        'less sure of; auto takes what tools/tune_rerank.py has chosen.',
    ),
]
Device = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        show_default=False,
        help='cpu, cuda or cuda:N; by default a GPU where there is one.',
    ),
]
BatchSize = Annotated[
    int, typer.Option(min=1, help='Images that the model sees at a time.')
]
Json = Annotated[
    bool, typer.Option('--json', help='Answer in JSON, for programs.')
]
Trust = Annotated[
    bool,
    typer.Option(
        '--trust',
        help='Read files that can run code on this machine, as pickled '
        'checkpoints of unknown origin can.',
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        '--verbose',
        callback=_set_verbose,
        help='Show what the libraries say, which else is in the log alone.',
    ),
]
Debug = Annotated[
    bool,
    typer.Option(
        '--debug', callback=_set_debug, help='Show the traceback of an error.'
    ),
]
