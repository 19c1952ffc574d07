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
    level_classes: Sequence[Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Describe a prediction in JSON types, with what it rests on.

    Args:
        data_sample: As CCFR or MLPH gives it, re-ranked or not.
        class_names: Names of the C classes of the finest level.
        topn: How many classes are listed; more than C means all.
        level_classes: Names of the classes of each level, fine to coarse;
            for samples at a coarser ``level``.

    Returns:
        ``image`` (path or ``None``), ``truth`` (class name or ``None``),
        ``coarse``: list of ``class`` and ``probability``, best first; of a
        re-ranked sample ``reranked``: list of ``class`` and ``score``, and
        ``neighbours``: list of ``image``, ``class`` and ``similarity``,
        nearest first; and ``regions``, where the sample has any: list of
        ``box`` (x1, y1, x2, y2 in pixels of the model's input) and
        ``score``. With a cascade ``went_on``, whether the image got them.

        Of a sample from :class:`mmc2f.MultiResolutionDataset` also ``view``
        (name), ``resolution`` (pixels or ``None``) and ``level``, the index
        of that whose classes are the truth and the answers. A model that
        has but a finest level answers at that, whatever the sample's.

    Raises:
        ValueError: A class or a level has no name, or the truth at the level
            of the answers is not known.
    """
    level = _answered_level(data_sample)
    names = _level_names(class_names, level_classes, level)
    scores = data_sample.get('pred_score')
    if level == 0:
        scores = data_sample.get('coarse_score', scores)
    if len(names) != len(scores):
        raise ValueError(
            f'There are {len(names)} class names for {len(scores)} scores.'
        )
    truth = _truth(data_sample, level)
    record: dict[str, Any] = {
        'image': data_sample.get('img_path'),
        'truth': None if truth is None else names[truth],
        'coarse': _best(scores, names, topn, 'probability'),
    }
    record |= {
        name: data_sample.get(name)
        for name in ('view', 'resolution')
        if name in data_sample
    }
    if 'level' in data_sample:
        record['level'] = level
    if 'went_on' in data_sample:
        record['went_on'] = bool(data_sample.went_on)
    if 'neighbour_ids' in data_sample:
        record['reranked'] = _best(
            data_sample.pred_score, names, topn, 'score'
        )
        record['neighbours'] = _neighbours(data_sample, names)
    if 'regions' in data_sample:
        record['regions'] = _regions(data_sample)
    return record


def _answered_level(data_sample: BaseDataElement) -> int:
    """The level of ``pred_score``: only some heads follow the sample's."""
    if 'level_scores' not in data_sample:
        return 0
    return int(data_sample.get('level', 0))


def _level_names(
    class_names: Sequence[str],
    level_classes: Sequence[Sequence[str]] | None,
    level: int,
) -> Sequence[str]:
    if level == 0:
        return class_names
    if level_classes is None or level >= len(level_classes):
        raise ValueError(
            f'A prediction is at level {level}, whose classes have no names: '
            'give the level_classes that MultiResolutionDataset has in its '
            'metainfo.'
        )
    return level_classes[level]


def _truth(data_sample: BaseDataElement, level: int) -> int | None:
    """Label at the level of the answers."""
    label = data_sample.get('gt_label')
    if label is None:
        return None
    if level == data_sample.get('level', level):
        return int(label)
    if 'gt_label_levels' not in data_sample:
        raise ValueError(
            f'The model answers at level {level}, but the label of '
            f'{data_sample.get("img_path")} is of level {data_sample.level}: '
            'have the others packed, dict(type="PackInputs", '
            'algorithm_keys=["gt_label_levels"]).'
        )
    return int(data_sample.gt_label_levels[level])


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
