"""Which images a test answered right, from the predictions it wrote."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmc2f.retrieval.prediction_file import read_predictions

__all__ = ['correct_answers']

#: Where the first answer of a measure stands in a record.
ANSWERS = {
    'coarse': 'coarse',
    'retrieval': 'neighbours',
    'reranked': 'reranked',
}


def correct_answers(
    path: Path, measure: str, view: str | None = None
) -> tuple[list[str], Tensor]:
    """Whether the first answer to each image is the true class.

    Args:
        path: JSON lines of :class:`mmc2f.PredictionWriter`.
        measure: ``'coarse'``, ``'retrieval'`` (class of the nearest
            neighbour) or ``'reranked'``.
        view: Only records of this resolution.

    Returns:
        Names of the images, sorted, and ``(N,)`` bool in that order.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: There is no such record, an image has several, or a
            line is no prediction, or one without truth or such an answer.
    """
    key = ANSWERS[measure]
    found: dict[str, bool] = {}
    for number, record in read_predictions(path):
        if view is not None and record.get('view') != view:
            continue
        where = f'{path}, line {number}'
        image = record['image']
        if image is None or image in found:
            raise ValueError(
                f'{where}: {image} is no name of one image; of several '
                'resolutions name one as the view'
            )
        found[image] = _is_right(record, key, where)
    if not found:
        what = '' if view is None else f' of the view {view!r}'
        raise ValueError(f'{path} has no predictions{what}')
    images = sorted(found)
    return images, torch.tensor([found[image] for image in images])


def _is_right(record: dict[str, Any], key: str, where: str) -> bool:
    if record['truth'] is None:
        raise ValueError(f'{where} has no truth to compare with')
    if key not in record:
        raise ValueError(
            f'{where} has no {key!r}: the test must re-rank '
            "(test_options = ['--rerank'])"
        )
    # Nothing was retrieved: no answer, which is a wrong one.
    answers = record[key]
    return bool(answers) and answers[0]['class'] == record['truth']
