"""Answers of the inferencer as a table, the same columns for all models."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmc2f.files import to_json_bytes

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ['answer_table', 'printable', 'read_answers']


def answer_table(
    answers: Sequence[Mapping[str, Any]],
    first: int,
    metadata: Mapping[str, str] | None = None,
) -> 'pa.Table':
    """Put answers into a table.

    Columns are ``index``, the place of the image among the inputs, and the
    keys of an answer; what an answer does not have is null. ``reason``,
    whose keys differ with the mode of the re-ranking, is JSON. Numbers are
    not rounded.

    Args:
        answers: Of :class:`mmc2f.C2FInferencer`, one an image.
        first: Index of the first one.
        metadata: Kept in the file.
    """
    import pyarrow as pa

    schema = _schema()
    rows = []
    for index, answer in enumerate(answers, start=first):
        unknown = answer.keys() - set(schema.names)
        if unknown:
            raise ValueError(f'an answer has no column for {sorted(unknown)}')
        row = printable({**answer, 'index': index})
        if 'reason' in row:
            row['reason'] = to_json_bytes(row['reason']).decode()
        rows.append(row)
    return pa.Table.from_pylist(rows, schema.with_metadata(metadata))


def read_answers(
    paths: Iterable[str | os.PathLike],
) -> Iterator[dict[str, Any]]:
    """Read answers back as :class:`mmc2f.C2FInferencer` gave them.

    With their ``index``, and names as :func:`printable` makes them.

    Args:
        paths: Parquet files of :func:`answer_table`.
    """
    import pyarrow.parquet as pq

    for path in paths:
        for row in pq.ParquetFile(path).read().to_pylist():
            answer = {k: v for k, v in row.items() if v is not None}
            if 'reason' in answer:
                answer['reason'] = json.loads(answer['reason'])
            yield answer


def printable(value: Any) -> Any:
    r"""The same with every text in UTF-8.

    Bytes of a file name that are no UTF-8 become ``\udcff`` and its like, as
    in the JSON that this package writes.

    Args:
        value: Of JSON types.
    """
    if isinstance(value, str):
        return value.encode('utf-8', 'backslashreplace').decode()
    if isinstance(value, Mapping):
        return {printable(k): printable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [printable(item) for item in value]
    return value


def _schema() -> 'pa.Schema':
    import pyarrow as pa

    text, number, whole = pa.string(), pa.float64(), pa.int64()

    def best(prefix: str) -> list[tuple[str, pa.DataType]]:
        return [
            (f'{prefix}_label', whole),
            (f'{prefix}_class', text),
            (f'{prefix}_score', number),
        ]

    def records(**fields: pa.DataType) -> pa.DataType:
        return pa.list_(pa.struct(list(fields.items())))

    level = {'level': text, 'class': text, 'probability': number}
    return pa.schema(
        [
            ('index', whole),
            ('image', text),
            ('error', text),
            *best('pred'),
            *best('coarse'),
            ('coarse', records(**{'class': text, 'probability': number})),
            ('reranked', records(**{'class': text, 'score': number})),
            (
                'neighbours',
                records(
                    **{'image': text, 'class': text, 'similarity': number}
                ),
            ),
            ('reason', text),
            ('levels', records(**level, of_answer=text)),
            ('finest_sure', pa.struct(list(level.items()))),
            (
                'boxes',
                records(box=pa.list_(number), score=number, scale=whole),
            ),
        ]
    )
