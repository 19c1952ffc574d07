"""Scores of every level from the scores of the finest."""

import torch
from torch import Tensor

from mmc2f.structures import LabelTree

__all__ = ['check_scores', 'sum_to_levels']


def sum_to_levels(scores: Tensor, tree: LabelTree) -> list[Tensor]:
    """Add up the finest probabilities under each class of each level.

    The probability that an image is of a genus is that of all its species
    together. This is what a classifier of the finest classes alone says
    about the levels above; its best genus need not hold its best species.

    Args:
        scores: Probabilities ``(N, C_0)``.
        tree: Hierarchy.

    Returns:
        For each level i of the tree, fine to coarse, ``(N, C_i)``. The first
        is ``scores`` itself.

    Raises:
        ValueError: There is not one score a finest class, or one is NaN.
    """
    check_scores(scores, tree)
    levels = [scores]
    for level in range(tree.num_levels - 1):
        sums = scores.new_zeros(len(scores), tree.num_classes(level + 1))
        parents = tree.parent_of(level).to(scores.device)
        levels.append(sums.index_add(1, parents, levels[-1]))
    return levels


def check_scores(
    scores: Tensor, tree: LabelTree, level: int | str = 0
) -> None:
    """Check that scores are those of a level's classes, and numbers.

    Args:
        scores: Should be ``(N, C)``.
        tree: Hierarchy.
        level: Whose C classes are meant.

    Raises:
        ValueError: They are not.
    """
    classes = tree.num_classes(level)
    if scores.ndim != 2 or scores.shape[1] != classes:
        name = tree.levels[tree.level_index(level)]
        raise ValueError(
            f'scores of level {name!r} must be (N, {classes}), one a class, '
            f'but are {tuple(scores.shape)}'
        )
    broken = torch.isnan(scores).any(dim=1).nonzero().flatten()
    if len(broken):
        raise ValueError(
            f'scores of {len(broken)} of {len(scores)} images are NaN, the '
            f'first is image {int(broken[0])}'
        )
