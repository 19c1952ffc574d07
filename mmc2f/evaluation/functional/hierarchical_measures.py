"""Accuracy, distance of mistakes and consistency over a class hierarchy."""

from typing import Literal, get_args

import torch
from torch import Tensor

from mmc2f.arguments import check_choice
from mmc2f.structures import LabelTree
from mmc2f.structures.level_scores import (
    check_classes,
    check_no_nan,
    check_range,
)

__all__ = [
    'hierarchical_accuracy',
    'hierarchical_distance',
    'level_accuracy',
    'level_consistency',
    'predict_levels',
]

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
            that the levels are consistent. ``'sum'`` adds the scores of all
            finest classes under an ancestor and takes the best ancestor; the
            scores should be probabilities.

    Returns:
        ``(N, L)`` classes.

    Raises:
        ValueError: Scores are NaN, or their class count is not that of
            ``ancestors``; a predicted class is out of range; the mode is
            unknown or needs scores.
    """
    check_choice('mode', mode, get_args(LevelMode))
    num_classes = ancestors.shape[1]
    if predictions.ndim == 1:
        if mode == 'sum':
            raise ValueError("mode 'sum' needs scores, not predicted classes")
        check_range('predicted class', predictions, num_classes)
        return ancestors.T[predictions]
    if predictions.shape[1] != num_classes:
        raise ValueError(
            f'scores have {predictions.shape[1]} classes, but the hierarchy '
            f'has {num_classes}'
        )
    check_no_nan(predictions)
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
    check_range('target', targets, ancestors.shape[1])
    predicted = predict_levels(predictions, ancestors, mode)
    return level_accuracy(predicted, ancestors.T[targets])


def level_accuracy(predicted: Tensor, targets: Tensor) -> Tensor:
    """Share of images whose class is right at each level, in percent.

    Args:
        predicted: ``(N, L)`` predicted class at each level.
        targets: ``(N, L)`` true class at each level.

    Returns:
        ``(L,)`` float64 accuracies from 0 to 100.
    """
    return 100 * (predicted == targets).double().mean(dim=0)


def hierarchical_distance(
    predicted: Tensor,
    targets: Tensor,
    tree: LabelTree,
    level: int | str = 0,
) -> Tensor:
    """Steps up the tree until both classes have the same ancestor.

    With L levels, classes of level l are at distance

    * 0 when they are one class,
    * s when their ancestors at level l + s are the first that are one class,
    * L - l when there is none such: the coarsest classes differ.

    Args:
        predicted: ``(N,)`` classes of ``level``.
        targets: ``(N,)`` likewise.
        tree: Hierarchy of L levels.
        level: Name or index of the level that the classes are of.

    Returns:
        ``(N,)`` int64 from 0 to L - l.

    Raises:
        ValueError: Shapes differ, or a class is out of range.
    """
    if predicted.ndim != 1 or predicted.shape != targets.shape:
        raise ValueError(
            'predicted and targets must be (N,) both, but are '
            f'{tuple(predicted.shape)} and {tuple(targets.shape)}'
        )
    level = tree.level_index(level)
    check_classes('predicted class', predicted, tree, level)
    check_classes('target', targets, tree, level)
    distance = torch.zeros_like(predicted, dtype=torch.long)
    for current in range(level, tree.num_levels):
        distance += predicted != targets
        if current < tree.num_levels - 1:
            parents = tree.parent_of(current).to(predicted.device)
            predicted, targets = parents[predicted], parents[targets]
    return distance


def level_consistency(predictions: Tensor, tree: LabelTree) -> float:
    """Share of images whose finest class lies in all their other classes.

    A row is consistent if the ancestor of its finest class at every level is
    the class predicted there, right or wrong.

    Args:
        predictions: ``(N, L)`` predicted class at each level, fine to
            coarse.
        tree: Hierarchy of L levels.

    Returns:
        Percent; 100 where there is one level only.

    Raises:
        ValueError: There is no image, the levels are not the tree's, or a
            class is out of range.
    """
    if predictions.ndim != 2 or predictions.shape[1] != tree.num_levels:
        raise ValueError(
            f'predictions must be (N, {tree.num_levels}), one per level, but '
            f'are {tuple(predictions.shape)}'
        )
    if not len(predictions):
        raise ValueError('no image to take the consistency of')
    for level, column in enumerate(predictions.unbind(dim=1)):
        check_classes('predicted class', column, tree, level)
    fits = predictions.new_ones(len(predictions), dtype=torch.bool)
    for level in range(1, tree.num_levels):
        ancestors = tree.ancestors(level).to(predictions.device)
        fits &= ancestors[predictions[:, 0]] == predictions[:, level]
    return 100 * fits.double().mean().item()


def _sum_by(scores: Tensor, index: Tensor) -> Tensor:
    """Add the columns of scores ``(N, C)`` that share an index ``(C,)``."""
    sums = scores.new_zeros(len(scores), int(index.max()) + 1)
    return sums.index_add_(1, index, scores)
