"""How far apart two classes are in the hierarchy."""

import torch
from torch import Tensor

from mmc2f.structures import LabelTree
from mmc2f.structures.level_scores import check_classes

__all__ = ['hierarchical_distance']


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
