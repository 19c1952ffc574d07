"""``mmc2f init``: a config for images of one's own."""

import json
import sys
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from mmc2f.cli.options import Debug, Json, Verbose
from mmc2f.cli.screen import Answers, quiet_host

if TYPE_CHECKING:
    from mmc2f.own_data import Initialized

__all__ = ['init']


class ClassDirectories(str, Enum):
    """Which directory is the class of an image."""

    auto = 'auto'
    innermost = 'innermost'
    outermost = 'outermost'


Source = Annotated[
    Path,
    typer.Argument(
        metavar='IMAGES',
        show_default=False,
        help='Folder with one directory a class, in train, val and test or '
        'without them; or a csv or Parquet file of paths and labels.',
    ),
]
Base = Annotated[
    str, typer.Option(metavar='CONFIG', help='Shipped config to inherit from.')
]
Out = Annotated[
    Path, typer.Option(metavar='FOLDER', help='Where to write the files.')
]
Name = Annotated[
    Optional[str],  # noqa: UP045 (typer before 0.15 on Python 3.10)
    typer.Option(
        show_default=False, help='Of the config; by default that of IMAGES.'
    ),
]
Val = Annotated[float, typer.Option(help='Part of each class to validate on.')]
Test = Annotated[
    float, typer.Option(help='Part of each class to test on, 0 for none.')
]
Seed = Annotated[int, typer.Option(min=0, help='Of the proposed split.')]
Resplit = Annotated[
    bool, typer.Option('--resplit', help='Split anew what has splits.')
]
Force = Annotated[
    bool, typer.Option('--force', help='Replace files that are there.')
]
DryRun = Annotated[
    bool, typer.Option('--dry-run', help='Look, and write nothing.')
]
Directories = Annotated[
    ClassDirectories,
    typer.Option(
        help='Class of an image: the innermost directory, with those above '
        'it as super classes, or the outermost.'
    ),
]
Root = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        metavar='FOLDER',
        show_default=False,
        help='That the paths of a table are relative to; by default its own.',
    ),
]
Column = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar='NAME',
        show_default=False,
        help='Of a table, where it has no customary name.',
    ),
]
Level = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        metavar='COLUMN',
        show_default=False,
        help='Column of super classes; repeated, fine to coarse.',
    ),
]


def init(
    source: Source,
    base: Base = 'ccfr_grocery',
    out: Out = Path(),
    name: Name = None,
    val: Val = 0.2,
    test: Test = 0.0,
    seed: Seed = 0,
    resplit: Resplit = False,
    force: Force = False,
    dry_run: DryRun = False,
    class_directories: Directories = ClassDirectories.auto,
    root: Root = None,
    path_column: Column = None,
    label_column: Column = None,
    split_column: Column = None,
    level: Level = None,
    as_json: Json = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Look at images of your own, split them, and write a config that trains.

    Names images that cannot be read, near duplicates, and classes that are
    too small. Writes NAME.py, NAME_split.csv with the split of each image,
    and NAME_tree.csv where directories or columns give a hierarchy.
    """
    with quiet_host() as answers:
        from mmc2f.own_data import InitOptions, init_config

        options = InitOptions(
            base=base,
            out=out,
            name=name,
            val=val,
            test=test,
            seed=seed,
            resplit=resplit,
            force=force,
            dry_run=dry_run,
            class_directories=class_directories.value,
            root=root,
            path_column=path_column,
            label_column=label_column,
            split_column=split_column,
            levels=level or None,
        )
        result = init_config(source, options, _progress)
        if as_json:
            answers(json.dumps(_facts(result), indent=2))
        else:
            _tell(answers, result)


def _progress(items: Iterable, total: int) -> Iterable:
    """A bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    return track(
        items,
        'Reading images',
        total,
        console=Console(file=sys.stderr),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def _facts(result: 'Initialized') -> dict[str, Any]:
    return {
        **result.findings.to_dict(),
        'files': [str(path) for path in result.files],
        'missing_weights': result.missing_weights,
    }


def _tell(answers: Answers, result: 'Initialized') -> None:
    for line in result.findings.summary():
        answers(line)
    for line in result.findings.warnings():
        answers(f'warning: {line}')
    if not result.files:
        return
    config = _short(result.files[0])
    answers(f'written: {", ".join(_short(path) for path in result.files)}')
    if result.missing_weights:
        answers(
            f'warning: the training starts from {result.missing_weights}, '
            'which is not there: make it by `make checkpoints`, or set '
            'MMC2F_CHECKPOINTS to the folder that it is in'
        )
    answers(f'next: mmc2f train {config}')


def _short(path: Path) -> str:
    """Relative to the current folder where it is below it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
