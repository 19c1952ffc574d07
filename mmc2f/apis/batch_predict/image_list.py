"""The images that a batch prediction is asked for, one after the other."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mmc2f.apis.image_inputs import images_below
from mmc2f.files import read_csv

__all__ = ['list_images']

PARQUET = '.parquet'


def list_images(
    source: str | os.PathLike, column: str = 'image'
) -> Iterator[str]:
    """Name each image once, in an order that does not change.

    Args:
        source: A folder of images, which means those in it and below,
            sorted; a ``.csv`` file; a ``.parquet`` file, or a folder with
            such files in it, which are taken by name. A csv file is read at
            once, parquet as it goes.
        column: Of csv and parquet, holds the paths.

    Yields:
        The path as it stands there, bytes that are no UTF-8 as Python has
        them (:func:`os.fsdecode`).

    Raises:
        FileNotFoundError: There is no such file or folder.
        ValueError: It holds no image, is of another kind, has no such
            column, or a row of it has no path.
    """
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f'there is no list or folder of images {path}')
    is_empty = True
    for name in _names(path, column):
        is_empty = False
        yield name
    if is_empty:
        raise ValueError(f'{path} holds no image')


def _names(path: Path, column: str) -> Iterable[str]:
    if path.is_dir():
        files = sorted(f for f in path.iterdir() if f.suffix == PARQUET)
        if files:
            return (n for f in files for n in _parquet_names(f, column))
        return images_below(os.fspath(path))
    if path.suffix == PARQUET:
        return _parquet_names(path, column)
    if path.suffix.lower() == '.csv':
        return _csv_names(path, column)
    raise ValueError(
        f'{path} is neither a folder, nor a .csv, nor a .parquet file'
    )


def _csv_names(path: Path, column: str) -> Iterator[str]:
    table = read_csv(path)
    _check_column(path, column, table.columns)
    for row, cells in table.rows:
        if not cells[column]:
            raise ValueError(f'{path}, row {row}: column {column!r} is empty')
        yield cells[column]


def _parquet_names(path: Path, column: str) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f'{path} is no whole parquet file: {error}') from (
            error
        )
    with file:
        _check_column(path, column, file.schema_arrow.names)
        row = 0
        for batch in file.iter_batches(columns=[column]):
            for name in batch.column(0).to_pylist():
                row += 1
                if not isinstance(name, str | bytes) or not name:
                    raise ValueError(
                        f'{path}, row {row}: column {column!r} holds no path '
                        f'but {name!r}'
                    )
                yield os.fsdecode(name)


def _check_column(path: Path, column: str, columns: list[str]) -> None:
    if column not in columns:
        raise ValueError(
            f'{path} has no column {column!r} but {", ".join(columns)}: name '
            'the one with the paths by --column'
        )
