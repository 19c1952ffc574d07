"""Accuracy of coarse, retrieval and re-ranked scores, and the changes."""

import torch
from torch import Tensor

from mmc2f.evaluation.functional.hierarchical_measures import (
    hierarchical_accuracy,
)
from mmc2f.retrieval.rerank import NO_NEIGHBOUR
from mmc2f.structures import LabelTree
from mmc2f.structures.level_scores import check_no_nan, check_range

__all__ = ['rerank_accuracy', 'topk_hits']


def rerank_accuracy(
    labels: Tensor,
    coarse: Tensor,
    retrieval: Tensor | None = None,
    reranked: Tensor | None = None,
    tree: LabelTree | None = None,
) -> dict[str, float]:
    """Accuracies of the three predictions, in percent, and their difference.

    Args:
        labels: True classes, ``(N,)``.
        coarse: Softmax, ``(N, C)``.
        retrieval: Scores by retrieval alone, ``(N, C)``. A class that was
            not retrieved is no hit at any k.
        reranked: Final scores, ``(N, C)``.
        tree: Adds the accuracy at each of its levels.

    Returns:
        ``{name}_top1``, ``{name}_top5`` and, with a tree,
        ``{name}_{level}_top1`` for the names ``coarse``, ``retrieval`` and
        ``rerank`` that are given; with ``reranked`` also the counts
        ``mended`` (wrong before, right now) and ``broken`` (right before,
        wrong now). Top-5 of fewer than 5 classes is top-C.

    Raises:
        ValueError: There is no image, shapes differ, a score is NaN or a
            label is not a class.
    """
    asked = {'coarse': coarse, 'retrieval': retrieval, 'rerank': reranked}
    given = {name: s for name, s in asked.items() if s is not None}
    result: dict[str, float] = {}
    for name, scores in given.items():
        for k in (1, 5):
            hits = topk_hits(scores, labels, k)
            result[f'{name}_top{k}'] = 100 * hits.double().mean().item()
        if tree is not None:
            result.update(_level_accuracies(name, scores, labels, tree))
    if reranked is not None:
        was_right = topk_hits(coarse, labels, 1)
        is_right = topk_hits(reranked, labels, 1)
        # Floats: the host's log drops integers from its files.
        result['mended'] = float((~was_right & is_right).sum())
        result['broken'] = float((was_right & ~is_right).sum())
    return result


def topk_hits(scores: Tensor, labels: Tensor, k: int) -> Tensor:
    """Whether the true class is among the k best.

    Of equal scores the lower class index comes first; a class marked as not
    retrieved is never among the best.

    Args:
        scores: ``(N, C)``.
        labels: ``(N,)``.
        k: More than C counts as C.

    Returns:
        ``(N,)`` bool.

    Raises:
        ValueError: There is no image, shapes differ, a score is NaN or a
            label is not a class.
    """
    _check(scores, labels)
    of_label = scores.gather(1, labels[:, None])
    classes = torch.arange(scores.shape[1], device=scores.device)
    is_earlier = classes < labels[:, None]
    is_before = (scores > of_label) | ((scores == of_label) & is_earlier)
    return (is_before.sum(dim=1) < k) & (of_label[:, 0] > NO_NEIGHBOUR)


def _level_accuracies(
    name: str, scores: Tensor, labels: Tensor, tree: LabelTree
) -> dict[str, float]:
    ancestors = torch.stack([tree.ancestors(level) for level in tree.levels])
    values = hierarchical_accuracy(scores, labels, ancestors).tolist()
    return {
        f'{name}_{level}_top1': value
        for level, value in zip(tree.levels, values, strict=True)
    }


def _check(scores: Tensor, labels: Tensor) -> None:
    if not len(labels):
        raise ValueError('There is no image to take the accuracy of.')
    if scores.ndim != 2 or len(scores) != len(labels):
        raise ValueError(
            f'Scores must be ({len(labels)}, C), got {tuple(scores.shape)}.'
        )
    check_no_nan(scores)
    check_range('label', labels, scores.shape[1])
