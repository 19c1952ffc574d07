"""Predictions as JSON lines: a :func:`prediction_record` in each."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mmc2f.files import read_json_lines, to_json_bytes, written_whole

__all__ = ['read_predictions', 'write_predictions']

_NUMBER = (int, float)
_NAME = (str, type(None))
# Fields of the objects in each list of a record; the first list is always
# there.
_LISTS: dict[str, dict[str, Any]] = {
    'coarse': {'class': str, 'probability': _NUMBER},
    'reranked': {'class': str, 'score': _NUMBER},
    'neighbours': {'image': str, 'class': str, 'similarity': _NUMBER},
    'regions': {'box': list, 'score': (*_NUMBER, type(None))},
}


def write_predictions(
    path: str | os.PathLike, records: Iterable[dict[str, Any]]
) -> None:
    """Write a whole file; the former one stays until it is done.

    Raises:
        OSError: The file cannot be written.
        ValueError: A number is NaN or infinite.
    """
    with written_whole(path) as part, part.open('wb') as file:
        for record in records:
            file.write(to_json_bytes(record) + b'\n')


def read_predictions(
    path: str | os.PathLike,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read what :class:`mmc2f.PredictionWriter` wrote.

    Yields:
        Number of the line, and the record, whose fields have been checked.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line is no prediction; names file, line and field.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'There are no predictions {path}: write them with '
            'tools/test.py --out.'
        )
    for number, record in read_json_lines(path):
        problem = _problem(record)
        if problem:
            raise ValueError(
                f'{path}, line {number}: {problem}. Predictions are what '
                'tools/test.py --out writes.'
            )
        yield number, record


def _problem(record: dict[str, Any]) -> str | None:
    """What keeps an object from being a prediction."""
    for field in ('image', 'truth'):
        if field not in record:
            return f'the prediction has no {field!r}'
        if not isinstance(record[field], _NAME):
            return f'{field!r} is no name, but {record[field]!r:.40}'
    if not record.get('coarse'):
        return "the prediction has no 'coarse' answers"
    for name, fields in _LISTS.items():
        entries = record.get(name, [])
        if not isinstance(entries, list):
            return f'{name!r} is no list, but {entries!r:.40}'
        for place, entry in enumerate(entries):
            problem = _problem_of_entry(entry, fields)
            if problem:
                return f'{name!r}[{place}] {problem}'
    return None


def _problem_of_entry(entry: Any, fields: dict[str, Any]) -> str | None:
    if not isinstance(entry, dict):
        return f'is no object, but {entry!r:.40}'
    for field, kind in fields.items():
        if field not in entry:
            return f'has no {field!r}'
        if not isinstance(entry[field], kind):
            return f'has {entry[field]!r:.40} as {field!r}'
    box = entry.get('box', [0] * 4)
    if len(box) != 4 or not all(isinstance(x, _NUMBER) for x in box):
        return f'has a box of other than 4 numbers, {box!r:.40}'
    return None
