"""JSON files and JSON lines, with errors that name file and line."""

import json
import os
from collections.abc import Iterator
from typing import Any

from mmc2f.files.decoded_text import read_text
from mmc2f.files.whole_file import write_bytes

__all__ = [
    'parse_json_lines',
    'read_json',
    'read_json_lines',
    'to_json_bytes',
    'write_json',
]


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no JSON in UTF-8; names file and line.
    """
    return _parse(read_text(path), path, 1)


def read_json_lines(
    path: str | os.PathLike,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read a file with a JSON object in each line.

    Yields:
        Number of the line from 1, and its object. Empty lines are passed
        over.

    Raises:
        OSError: The file cannot be read.
        ValueError: A line is no JSON object; names file and line.
    """
    return parse_json_lines(read_text(path), path)


def parse_json_lines(
    text: str, path: object
) -> Iterator[tuple[int, dict[str, Any]]]:
    """As :func:`read_json_lines`, of text that has been read."""
    # Not splitlines: JSON strings may hold U+2028 and its like.
    for number, line in enumerate(text.split('\n'), start=1):
        if not line.strip():
            continue
        record = _parse(line, path, number)
        if not isinstance(record, dict):
            raise ValueError(
                f'{path}, line {number}: expected an object in braces, but '
                f'found {line.strip():.40}'
            )
        yield number, record


def write_json(
    path: str | os.PathLike, value: Any, indent: int | None = None
) -> None:
    """Write a whole JSON file, see :func:`mmc2f.files.written_whole`.

    Raises:
        OSError: The file cannot be written.
        ValueError: A number is NaN or infinite, which JSON does not know.
    """
    write_bytes(path, to_json_bytes(value, indent) + b'\n')


def to_json_bytes(value: Any, indent: int | None = None) -> bytes:
    r"""JSON in UTF-8.

    File names that are not UTF-8, which Python keeps as lone surrogates, are
    written as ``\udcff``, from which JSON makes the same name again.

    Raises:
        ValueError: A number is NaN or infinite, which JSON does not know.
    """
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, indent=indent
    )
    # Surrogates are in strings only, and there Python's escape is JSON's.
    return text.encode('utf-8', 'backslashreplace')


def _parse(text: str, path: object, first_line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise ValueError(
            f'{path}, line {line}: no whole JSON ({error.msg}, column '
            f'{error.colno}). Was it cut short?'
        ) from error
    # Brackets in brackets, or a number of thousands of digits.
    except (RecursionError, ValueError) as error:
        raise ValueError(f'{path}, line {first_line}: {error}') from error
