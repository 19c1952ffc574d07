"""Tables in Parquet files, read as those in CSV files are."""

import os
from pathlib import Path

from mmc2f.files.csv_table import CsvTable, read_csv

__all__ = ['read_parquet', 'read_table']

PARQUET = ('.parquet', '.pq')


def read_table(path: str | os.PathLike) -> CsvTable:
    """Read a CSV or a Parquet file, by its ending.

    Raises:
        As :func:`mmc2f.files.read_csv` and :func:`read_parquet` do.
    """
    is_parquet = Path(path).suffix.lower() in PARQUET
    return read_parquet(path) if is_parquet else read_csv(path)


def read_parquet(path: str | os.PathLike) -> CsvTable:
    """Read a Parquet file into cells of text.

    Args:
        path: The file. Missing values become empty cells, others what
            ``str`` makes of them. Rows count from 1.

    Raises:
        ImportError: pyarrow is not installed.
        OSError: The file cannot be read.
        ValueError: It is no Parquet file, or two columns have one name.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise ImportError(
            f'reading {path} needs pyarrow, which is not installed; run: '
            'pip install pyarrow'
        ) from error
    with open(path, 'rb') as file:
        try:
            table = ParquetFile(file).read()
        except ArrowException as error:
            reason = str(error).splitlines()[0]
            raise ValueError(
                f'{path} cannot be read as Parquet: {reason}'
            ) from error
    columns = table.column_names
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise ValueError(
            f'{path}: {columns.count(twice[0])} columns are called '
            f'{twice[0]!r}; rename or remove one.'
        )
    rows = [
        (number, {name: _cell(value) for name, value in row.items()})
        for number, row in enumerate(table.to_pylist(), start=1)
    ]
    return CsvTable(columns, rows)


def _cell(value: object) -> str:
    return '' if value is None else str(value).strip()
