"""Tables in CSV files, with errors that name the row."""

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mmc2f.files.decoded_text import read_text

__all__ = ['CsvTable', 'parse_csv', 'read_csv']

_SEPARATORS = {',': 'commas', ';': 'semicolons', '\t': 'tabs'}


class CsvTable(NamedTuple):
    """A table with a header.

    Attributes:
        columns: Names in the header.
        rows: Place of each row in the file, the header's being 1 as in a
            spreadsheet, and its cells by column.
    """

    columns: list[str]
    rows: list[tuple[int, dict[str, str]]]


def read_csv(path: str | os.PathLike) -> CsvTable:
    """Read a CSV file as :func:`parse_csv` does.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not UTF-8, or no table.
    """
    return parse_csv(read_text(path), path)


def parse_csv(text: str, path: object) -> CsvTable:
    """Read a table with a header from text.

    Cells are separated by commas, or by semicolons or tabs where the header
    has no other separator; a cell that holds the separator stands in double
    quotes. Spaces around cells are dropped, and so are empty rows and
    columns. A cell that is missing at the end of a row is empty.

    Args:
        text: Of the file.
        path: Its name, for messages.

    Raises:
        ValueError: The separator is not clear, two columns have one name, a
            row has more cells than the header, or a quote is not closed.
            Names the row.
    """
    rows = _rows(text, path, _separator(text, path))
    _, header = next(rows, (1, []))
    _check_header(path, header)
    return CsvTable(
        [name for name in header if name],
        [
            (number, _by_column(path, number, header, cells))
            for number, cells in rows
        ],
    )


def _separator(text: str, path: object) -> str:
    """The one that the header has; a comma where it has none."""
    lines = io.StringIO(text, newline='')
    header = next((line for line in lines if line.strip()), '')
    try:
        found = [
            separator
            for separator in _SEPARATORS
            if len(next(csv.reader([header], delimiter=separator))) > 1
        ]
    except csv.Error as error:
        raise ValueError(f'{path}, row 1: {error}.') from error
    if len(found) > 1:
        kinds = ' and '.join(_SEPARATORS[separator] for separator in found)
        raise ValueError(
            f'{path}, row 1: the header has {kinds}, so it is not clear which '
            'of them separate the columns: put names that hold one in double '
            'quotes.'
        )
    return found[0] if found else ','


def _rows(
    text: str, path: object, separator: str
) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(
        io.StringIO(text, newline=''),
        delimiter=separator,
        skipinitialspace=True,
        # Else a quote that is not closed swallows the rest of the file.
        strict=True,
    )
    start = 1
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if any(cells):
                yield reader.line_num, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f'{path}, row {start}: {error}. Is a double quote not closed, or '
            'does a cell hold one that is not doubled?'
        ) from error


def _check_header(path: object, header: Sequence[str]) -> None:
    twice = [
        name for name, count in Counter(header).items() if name and count > 1
    ]
    if twice:
        raise ValueError(
            f'{path}, row 1: {header.count(twice[0])} columns are called '
            f'{twice[0]!r}; rename or remove one.'
        )


def _by_column(
    path: object, number: int, header: Sequence[str], cells: Sequence[str]
) -> dict[str, str]:
    for place, cell in enumerate(cells):
        if cell and (place >= len(header) or not header[place]):
            raise ValueError(
                f'{path}, row {number}: cell {place + 1}, {cell!r}, is in no '
                f'column of the header, which has {len(header)}. Put a name '
                'that holds the separator in double quotes, or give the '
                'column a name.'
            )
    padded = [*cells, *[''] * (len(header) - len(cells))]
    return {
        name: cell for name, cell in zip(header, padded, strict=False) if name
    }
