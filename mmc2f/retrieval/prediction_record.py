"""One prediction as a plain record, to be written as a line of JSON."""

from collections.abc import Sequence
from typing import Any

from mmengine.structures import BaseDataElement
from torch import Tensor

__all__ = ['prediction_record']


def prediction_record(
    data_sample: BaseDataElement,
    class_names: Sequence[str],
    topn: int = 5,
) -> dict[str, Any]:
    """Describe a prediction in JSON types, with what it rests on.

    Args:
        data_sample: As CCFR gives it, re-ranked or not.
        class_names: Names of the C classes.
        topn: How many classes are listed; more than C means all.

    Returns:
        ``image`` (path or ``None``), ``truth`` (class name or ``None``),
        ``coarse``: list of ``class`` and ``probability``, best first; of a
        re-ranked sample ``reranked``: list of ``class`` and ``score``, and
        ``neighbours``: list of ``image``, ``class`` and ``similarity``,
        nearest first; and ``regions``, where the sample has any: list of
        ``box`` (x1, y1, x2, y2 in pixels of the model's input) and
        ``score``.

    Raises:
        ValueError: A class has no name.
    """
    coarse = data_sample.get('coarse_score', data_sample.get('pred_score'))
    if len(class_names) != len(coarse):
        raise ValueError(
            f'There are {len(class_names)} class names for {len(coarse)} '
            'scores.'
        )
    truth = data_sample.get('gt_label')
    record: dict[str, Any] = {
        'image': data_sample.get('img_path'),
        'truth': None if truth is None else class_names[int(truth)],
        'coarse': _best(coarse, class_names, topn, 'probability'),
    }
    if 'neighbour_ids' in data_sample:
        record['reranked'] = _best(
            data_sample.pred_score, class_names, topn, 'score'
        )
        record['neighbours'] = _neighbours(data_sample, class_names)
    if 'regions' in data_sample:
        record['regions'] = _regions(data_sample)
    return record


def _best(
    scores: Tensor, class_names: Sequence[str], topn: int, key: str
) -> list[dict[str, Any]]:
    order = scores.argsort(descending=True, stable=True)[:topn].tolist()
    return [{'class': class_names[c], key: float(scores[c])} for c in order]


def _neighbours(
    data_sample: BaseDataElement, class_names: Sequence[str]
) -> list[dict[str, Any]]:
    return [
        {
            'image': image,
            'class': class_names[label],
            'similarity': similarity,
        }
        for image, label, similarity in zip(
            data_sample.neighbour_ids,
            data_sample.neighbour_labels.tolist(),
            data_sample.neighbour_similarities.tolist(),
            strict=True,
        )
        if image is not None  # an approximate index found fewer
    ]


def _regions(data_sample: BaseDataElement) -> list[dict[str, Any]]:
    boxes = data_sample.regions.tolist()
    scores = data_sample.get('region_scores')
    scores = [None] * len(boxes) if scores is None else scores.tolist()
    return [
        {'box': box, 'score': score}
        for box, score in zip(boxes, scores, strict=True)
    ]
