"""What a model says of an image, in plain values."""

from collections.abc import Sequence
from typing import Any

from mmengine.structures import BaseDataElement
from torch import Tensor

from mmc2f.retrieval.prediction_record import prediction_record
from mmc2f.retrieval.rerank_terms import rerank_terms
from mmc2f.retrieval.reranker import ReRanker
from mmc2f.structures import LabelTree
from mmc2f.structures.level_scores import sum_to_levels
from mmc2f.structures.predicted_boxes import predicted_boxes

__all__ = ['describe_answer']


def describe_answer(
    sample: BaseDataElement,
    classes: Sequence[str],
    tree: LabelTree | None = None,
    reranker: ReRanker | None = None,
    topn: int = 5,
    num_neighbours: int = 5,
) -> dict[str, Any]:
    """Describe a prediction in JSON types.

    Args:
        sample: As CCFR or MLPH gives it, re-ranked or not.
        classes: Names of the C classes.
        tree: Their hierarchy.
        reranker: What has re-ranked the sample; tells why.
        topn: How many classes are listed.
        num_neighbours: How many neighbours are listed.

    Returns:
        See :class:`mmc2f.C2FInferencer`.
    """
    # At once, and not value by value.
    found = sample.cpu()
    record = prediction_record(found, classes, topn)
    is_reranked = 'reranked' in record
    coarse = found.get('coarse_score', found.pred_score)
    answer = {
        'image': record['image'],
        **_best(found.pred_score, classes, 'pred'),
        **_best(coarse, classes, 'coarse'),
        'coarse': record['coarse'],
    }
    if 'went_on' in record:
        answer['went_on'] = record['went_on']
    if is_reranked:
        answer['reranked'] = record['reranked']
        answer['neighbours'] = record['neighbours'][:num_neighbours]
        if reranker is not None:
            answer['reason'] = _reason(sample, reranker, classes)
    if tree is not None:
        answer['levels'] = _levels(found, coarse, classes, tree)
    if 'answer_level' in found and tree is not None:
        answer['finest_sure'] = _finest_sure(found, classes, tree)
    if 'regions' in found:
        answer['boxes'] = _boxes(found)
    return answer


def _best(
    scores: Tensor, classes: Sequence[str], prefix: str
) -> dict[str, Any]:
    label = int(scores.argmax())
    return {
        f'{prefix}_label': label,
        f'{prefix}_class': classes[label],
        f'{prefix}_score': float(scores[label]),
    }


def _names(
    classes: Sequence[str], tree: LabelTree, level: int
) -> Sequence[str]:
    return tree.names(level) if level else classes


def _levels(
    sample: BaseDataElement,
    coarse: Tensor,
    classes: Sequence[str],
    tree: LabelTree,
) -> list[dict[str, Any]]:
    """The best class of each level, and that which the answer belongs to."""
    scores = sample.get('level_scores')
    known = coarse[: tree.num_classes()]
    if scores is None:
        scores = [s[0] for s in sum_to_levels(known[None], tree)]
    label = int(sample.pred_score.argmax())
    levels = []
    for level, level_scores in enumerate(scores):
        names = _names(classes, tree, level)
        best = int(level_scores.argmax())
        levels.append(
            {
                'level': tree.levels[level],
                'class': names[best],
                'probability': float(level_scores[best]),
                'of_answer': _ancestor(tree, classes, level, label),
            }
        )
    return levels


def _ancestor(
    tree: LabelTree, classes: Sequence[str], level: int, label: int
) -> str | None:
    """What a class belongs to; of one that the tree lacks only itself."""
    if level == 0:
        return classes[label]
    if label >= tree.num_classes():
        return None
    return tree.names(level)[int(tree.ancestors(level)[label])]


def _finest_sure(
    sample: BaseDataElement, classes: Sequence[str], tree: LabelTree
) -> dict[str, Any] | None:
    level = int(sample.answer_level)
    if level < 0:
        return None
    return {
        'level': tree.levels[level],
        'class': _names(classes, tree, level)[int(sample.answer_label)],
        'probability': float(sample.answer_score),
    }


def _boxes(sample: BaseDataElement) -> list[dict[str, Any]]:
    boxes = predicted_boxes(sample)
    columns = (
        boxes.bboxes.tolist(),
        boxes.scores.tolist(),
        sample.region_scales.tolist(),
    )
    return [
        {'box': box, 'score': score, 'scale': scale}
        for box, score, scale in zip(*columns, strict=True)
    ]


def _reason(
    sample: BaseDataElement, reranker: ReRanker, classes: Sequence[str]
) -> dict[str, Any]:
    rule = reranker.post_processor
    similarities = None
    if rule.mode == 'prototypes':
        embedding = sample.embedding[None]
        similarities = reranker.gallery.class_similarities(embedding)[0].cpu()
    scores = sample.get('extended_score', sample.coarse_score).cpu()
    terms = rerank_terms(
        rule,
        scores,
        sample.neighbour_similarities.cpu(),
        sample.neighbour_labels.cpu(),
        similarities,
    )
    reason = {'mode': rule.mode, **terms.describe(classes)}
    added = reranker.gallery.num_added
    if added:
        reason['only_in_gallery'] = [
            {'class': name, 'share': share}
            for name, share in zip(
                classes[-added:], scores[-added:].tolist(), strict=True
            )
        ]
    return reason
