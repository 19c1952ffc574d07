"""Reading the rows of a hierarchy file, with errors that name the row."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mmc2f.files import read_csv

__all__ = ['read_hierarchy_csv']

DEFAULT_ID_COLUMN = 'class_id'


class _Row(NamedTuple):
    """One finest class: its row in the file and its name at every level."""

    number: int
    class_id: int | None
    names: tuple[str, ...]


def read_hierarchy_csv(
    path: str | Path,
    levels: Sequence[str] | None = None,
    id_column: str | None = None,
) -> tuple[list[str], list[list[str]], list[list[int]]]:
    """Read class names and parents from a CSV file with a header.

    Args:
        path: UTF-8 file, one row per finest class, see
            :func:`mmc2f.files.parse_csv`.
        levels: Columns to take as levels, ordered fine to coarse. ``None``:
            every column but the ids', as the header orders them.
        id_column: Column of class ids, counted from 0 or from 1, in any row
            order. ``None`` takes ``class_id`` where there is such a column,
            otherwise the rows are in class order.

    Returns:
        The levels, the class names of each level and, for each level but the
        last, the parent index of each class in the next level. Coarser
        classes are numbered in the order in which the finest classes meet
        them.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No table in UTF-8, an empty cell, a gap in the ids, a
            repeated class or a class with two parents. Names the file and
            the row; the header is row 1.
    """
    path = Path(path)
    levels, rows = _read_rows(path, levels, id_column)
    rows = _in_class_order(path, rows)
    _check_finest_unique(path, levels[0], rows)
    names: list[list[str]] = [[row.names[0] for row in rows]]
    parents: list[list[int]] = []
    for depth in range(1, len(levels)):
        coarse, parent_of = _link(path, levels, depth, rows, names[-1])
        names.append(coarse)
        parents.append(parent_of)
    return levels, names, parents


def _read_rows(
    path: Path, levels: Sequence[str] | None, id_column: str | None
) -> tuple[list[str], list[_Row]]:
    if not path.is_file():
        raise FileNotFoundError(f'hierarchy file {path} does not exist')
    columns, cells_of_rows = read_csv(path)
    if id_column is None and DEFAULT_ID_COLUMN in columns:
        id_column = DEFAULT_ID_COLUMN
    if levels is None:
        levels = [name for name in columns if name != id_column]
    if isinstance(levels, str):
        raise ValueError(
            f'{path}: levels must be a list of columns, got {levels!r}'
        )
    levels = list(levels)
    _check_columns(path, columns, levels, id_column)
    rows = [
        _parse_row(path, number, cells, levels, id_column)
        for number, cells in cells_of_rows
    ]
    if not rows:
        raise ValueError(f'{path} has a header but no class')
    return levels, rows


def _check_columns(
    path: Path,
    columns: Sequence[str],
    levels: list[str],
    id_column: str | None,
) -> None:
    if not levels or len(set(levels)) != len(levels):
        raise ValueError(
            f'{path}: levels must be distinct columns, got {levels}'
        )
    wanted = levels + ([id_column] if id_column else [])
    missing = [column for column in wanted if column not in columns]
    if missing:
        raise ValueError(
            f'{path}, row 1: no column {", ".join(map(repr, missing))}; '
            f'the header has {", ".join(map(repr, columns)) or "nothing"}'
        )


def _parse_row(
    path: Path,
    number: int,
    cells: Mapping[str, str],
    levels: list[str],
    id_column: str | None,
) -> _Row:
    names = tuple(cells[level] for level in levels)
    for level, name in zip(levels, names, strict=True):
        if not name:
            raise ValueError(f'{path}, row {number}: {level!r} is empty')
    class_id = None
    if id_column:
        text = cells[id_column]
        if not text.isdecimal():
            raise ValueError(
                f'{path}, row {number}: {id_column!r} must be a whole number '
                f'from 0 on, but is {text!r}'
            )
        class_id = int(text)
    return _Row(number, class_id, names)


def _in_class_order(path: Path, rows: list[_Row]) -> list[_Row]:
    """Sort by id and check that the ids run without gap or repetition."""
    # They all have one, or none.
    numbered = [(r.class_id, r) for r in rows if r.class_id is not None]
    if not numbered:
        return rows
    numbered.sort(key=lambda pair: pair[0])
    rows = [row for _, row in numbered]
    first = numbered[0][0]
    if first not in (0, 1):
        raise ValueError(
            f'{path}, row {rows[0].number}: class ids must begin at 0 or 1, '
            f'but the smallest is {first}'
        )
    for expected, (found, row) in enumerate(numbered, start=first):
        if found != expected:
            fault = 'repeats a class id' if found < expected else 'gap'
            raise ValueError(
                f'{path}, row {row.number}: {fault}, expected class id '
                f'{expected} but found {found}'
            )
    return rows


def _check_finest_unique(path: Path, level: str, rows: list[_Row]) -> None:
    seen: dict[str, int] = {}
    for row in rows:
        name = row.names[0]
        if name in seen:
            raise ValueError(
                f'{path}, row {row.number}: {level} {name!r} stands in row '
                f'{seen[name]} already; each row is one class of the finest '
                'level (are the levels ordered fine to coarse?)'
            )
        seen[name] = row.number


def _link(
    path: Path,
    levels: Sequence[str],
    depth: int,
    rows: list[_Row],
    children: list[str],
) -> tuple[list[str], list[int]]:
    """Number the classes of level ``depth`` and link ``depth - 1`` to it."""
    index: dict[str, int] = {}
    first_row: dict[str, _Row] = {}
    parent: dict[str, int] = {}
    for row in rows:
        child, name = row.names[depth - 1], row.names[depth]
        index.setdefault(name, len(index))
        known = first_row.setdefault(child, row)
        if known.names[depth] != name:
            raise ValueError(
                f'{path}, row {row.number}: {levels[depth - 1]} {child!r} has '
                f'two parents at level {levels[depth]!r}, '
                f'{known.names[depth]!r} (row {known.number}) and {name!r}; '
                'correct one row or give the two different names'
            )
        parent[child] = index[name]
    return list(index), [parent[child] for child in children]
