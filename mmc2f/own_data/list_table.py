"""Images that a csv or Parquet file lists."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmc2f.files import CsvTable, read_table
from mmc2f.own_data.listing import (
    SPLITS,
    ImageListing,
    ListedImage,
    listing_of,
    split_of,
)

__all__ = ['list_table']

#: What columns are called that need not be named, of any case.
PATHS = (
    *('path', 'image', 'file', 'filename', 'file_name', 'filepath'),
    *('file_path', 'image_path', 'img_path', 'img', 'image_file'),
)
LABELS = (
    *('label', 'class', 'class_name', 'category', 'species', 'name'),
    *('target', 'article', 'product', 'variant', 'fine'),
)
SPLIT_COLUMNS = ('split', 'set', 'subset', 'partition', 'fold')


def list_table(
    path: Path,
    root: Path | None = None,
    path_column: str | None = None,
    label_column: str | None = None,
    split_column: str | None = None,
    levels: Sequence[str] | None = None,
    resplit: bool = False,
) -> ImageListing:
    """List the images of a table.

    Args:
        path: The table, see :func:`mmc2f.files.read_table`.
        root: Folder that its paths are relative to. ``None``: its own.
        path_column, label_column, split_column: Names of columns. ``None``:
            the first of the header with a customary name.
        levels: Columns of super classes, fine to coarse. ``None``: those
            that are the same for all images of a class and put classes
            together; an empty list for none.
        resplit: Forget the splits.

    Raises:
        FileNotFoundError: There is no such table, or an image in it is not
            there.
        ValueError: A column is missing, a cell is empty, a split is none, an
            image has two labels, or there are less than two classes.
    """
    table = read_table(path)
    path_column = _column(path, table, path_column, PATHS, 'paths')
    label_column = _column(path, table, label_column, LABELS, 'labels')
    if split_column is not None or _first(table, SPLIT_COLUMNS):
        split_column = _column(
            path, table, split_column, SPLIT_COLUMNS, 'splits'
        )
    if not table.rows:
        raise ValueError(f'{path} has a header but no image')
    _check_cells(path, table, (path_column, label_column))
    own = (path_column, label_column, split_column)
    if levels is None:
        others = [name for name in table.columns if name not in own]
        levels = _levels(table, label_column, others)
    else:
        for level in levels:
            _column(path, table, level, (), 'a level')
        _check_cells(path, table, levels)
    # Rows that only differ in columns of no concern are one image.
    images: dict[str, ListedImage] = {}
    for number, row in table.rows:
        image = ListedImage(
            row[path_column],
            row[label_column],
            '' if resplit else _split(path, number, row, split_column),
            tuple(row[level] for level in levels),
        )
        known = images.setdefault(image.path, image)
        if known != image:
            raise ValueError(
                f'{path}, row {number}: {image.path} stands in a row above '
                'with another label or split'
            )
    root = Path(path).parent if root is None else Path(root)
    _check_files(path, root, list(images))
    notes = [f'super classes from columns: {", ".join(levels)}']
    return listing_of(
        root,
        list(images.values()),
        (label_column, *levels),
        notes if levels else [],
        path,
    )


def _first(table: CsvTable, names: Sequence[str]) -> str | None:
    """The first column that has one of the names, of any case."""
    known = {column.lower(): column for column in reversed(table.columns)}
    return next((known[name] for name in names if name in known), None)


def _column(
    path: Path,
    table: CsvTable,
    given: str | None,
    customary: Sequence[str],
    what: str,
) -> str:
    name = given or _first(table, customary)
    if name in table.columns:
        return name
    has = ', '.join(map(repr, table.columns)) or 'nothing'
    looked_for = repr(given) if given else ' or '.join(customary[:4])
    raise ValueError(
        f'{path} has no column of {what} ({looked_for}); its columns are {has}'
    )


def _check_cells(path: Path, table: CsvTable, columns: Sequence[str]) -> None:
    for number, row in table.rows:
        for name in columns:
            if not row[name]:
                raise ValueError(f'{path}, row {number}: {name!r} is empty')


def _split(
    path: Path, number: int, row: Mapping[str, str], column: str | None
) -> str:
    if column is None:
        return ''
    split = split_of(row[column])
    if split is None:
        raise ValueError(
            f'{path}, row {number}: {column!r} is {row[column]!r}, but a '
            f'split is one of {", ".join(SPLITS)}; --resplit passes over them'
        )
    return split


def _levels(
    table: CsvTable, label_column: str, columns: Sequence[str]
) -> list[str]:
    """Columns that form a hierarchy above the labels, fine to coarse."""
    below, chosen = label_column, []
    counted = {
        name: len({row[name] for _, row in table.rows}) for name in columns
    }
    counted[below] = len({row[below] for _, row in table.rows})
    for name in sorted(columns, key=lambda n: (-counted[n], n)):
        groups = 1 < counted[name] < counted[below]
        if groups and _depends(table, below, name):
            chosen.append(name)
            below = name
    return chosen


def _depends(table: CsvTable, below: str, above: str) -> bool:
    """Whether each value of a column has one value of the other."""
    value: dict[str, str] = {}
    return all(
        row[above] and value.setdefault(row[below], row[above]) == row[above]
        for _, row in table.rows
    )


def _check_files(path: Path, root: Path, names: Sequence[str]) -> None:
    missing = [name for name in names if not (root / name).is_file()]
    if missing:
        are = '1 image' if len(missing) == 1 else f'{len(missing)} images'
        raise FileNotFoundError(
            f'{path} lists {are} that {root} does not have, such as '
            f'{missing[0]!r}; --root names the folder of the images'
        )
