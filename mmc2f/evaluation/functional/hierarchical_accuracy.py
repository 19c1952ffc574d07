"""Top-1 accuracy at every level of a class hierarchy."""

from typing import Literal

import torch
from torch import Tensor

__all__ = ['hierarchical_accuracy', 'predict_levels']

LevelMode = Literal['argmax', 'sum']


def predict_levels(
    predictions: Tensor, ancestors: Tensor, mode: LevelMode = 'argmax'
) -> Tensor:
    """Predicted class at every level from predictions at the finest.

    Args:
        predictions: Scores ``(N, C)``, or predicted classes ``(N,)`` of an
            integer type.
        ancestors: ``(L, C)`` class of each finest class at each level.
        mode: ``'argmax'`` takes the ancestors of the best finest class, so
            that the levels agree with one another. ``'sum'`` adds the scores
            of all finest classes under an ancestor and takes the best
            ancestor, which wants scores that are probabilities.

    Returns:
        ``(N, L)`` classes.

    Raises:
        ValueError: Scores are NaN, or their class count is not that of
            ``ancestors``; a predicted class is out of range; the mode is
            unknown or needs scores.
    """
    if mode not in ('argmax', 'sum'):
        raise ValueError(f"mode must be 'argmax' or 'sum', got {mode!r}")
    num_classes = ancestors.shape[1]
    if predictions.ndim == 1:
        if mode == 'sum':
            raise ValueError("mode 'sum' needs scores, not predicted classes")
        _check_range('predicted class', predictions, num_classes)
        return ancestors.T[predictions]
    if predictions.shape[1] != num_classes:
        raise ValueError(
            f'scores have {predictions.shape[1]} classes, but the hierarchy '
            f'has {num_classes}'
        )
    broken = predictions.isnan().any(dim=1).nonzero().flatten()
    if len(broken):
        raise ValueError(
            f'scores of {len(broken)} of {len(predictions)} images are NaN, '
            f'the first is image {int(broken[0])}'
        )
    if mode == 'argmax':
        return ancestors.T[predictions.argmax(dim=1)]
    best = [_sum_by(predictions, index).argmax(dim=1) for index in ancestors]
    return torch.stack(best, dim=1)


def hierarchical_accuracy(
    predictions: Tensor,
    targets: Tensor,
    ancestors: Tensor,
    mode: LevelMode = 'argmax',
) -> Tensor:
    """Share of images whose class is right at each level, in percent.

    Args:
        predictions: Scores ``(N, C)`` or predicted classes ``(N,)``.
        targets: ``(N,)`` true finest classes.
        ancestors: ``(L, C)`` class of each finest class at each level.
        mode: See :func:`predict_levels`.

    Returns:
        ``(L,)`` float64 accuracies from 0 to 100.

    Raises:
        ValueError: There is no image, the numbers of predictions and targets
            differ, a target is out of range, or as :func:`predict_levels`.
    """
    if len(targets) == 0:
        raise ValueError('no image to take the accuracy of')
    if len(predictions) != len(targets):
        raise ValueError(
            f'{len(predictions)} predictions for {len(targets)} targets'
        )
    _check_range('target', targets, ancestors.shape[1])
    predicted = predict_levels(predictions, ancestors, mode)
    hits = predicted == ancestors.T[targets]
    return 100 * hits.double().mean(dim=0)


def _sum_by(scores: Tensor, index: Tensor) -> Tensor:
    """Add the columns of scores ``(N, C)`` that share an index ``(C,)``."""
    sums = scores.new_zeros(len(scores), int(index.max()) + 1)
    return sums.index_add_(1, index, scores)


def _check_range(what: str, classes: Tensor, num_classes: int) -> None:
    outside = ((classes < 0) | (classes >= num_classes)).nonzero().flatten()
    if len(outside):
        first = int(outside[0])
        raise ValueError(
            f'{what} {int(classes[first])} of image {first} is outside '
            f'0..{num_classes - 1}'
        )
