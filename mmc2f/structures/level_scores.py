"""Scores of the levels of a tree, and the level that answers."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmc2f.structures.label_tree import LabelTree

__all__ = [
    'check_classes',
    'check_no_nan',
    'check_range',
    'check_scores',
    'finest_confident_level',
    'sum_to_levels',
]


def sum_to_levels(scores: Tensor, tree: LabelTree) -> list[Tensor]:
    """Add up the finest probabilities under each class of each level.

    The probability of a genus is the sum over its species. This gives a
    classifier of the finest classes scores at all levels; its best genus need
    not contain its best species.

    Args:
        scores: Probabilities ``(N, C_0)``.
        tree: Hierarchy.

    Returns:
        For each level i of the tree, fine to coarse, ``(N, C_i)``. The first
        is ``scores`` itself.

    Raises:
        ValueError: There is not one score per finest class, or one is NaN.
    """
    check_scores(scores, tree)
    levels = [scores]
    for level in range(tree.num_levels - 1):
        sums = scores.new_zeros(len(scores), tree.num_classes(level + 1))
        parents = tree.parent_of(level).to(scores.device)
        levels.append(sums.index_add(1, parents, levels[-1]))
    return levels


def finest_confident_level(
    confidence: Tensor, thresholds: Tensor | Sequence[float | None]
) -> Tensor:
    """Choose the finest level whose confidence reaches its threshold.

    A model that is unsure of the species may still be sure of the genus::

        level = min{l : confidence[l] >= thresholds[l]}

    Args:
        confidence: ``(N, L)`` greatest probability of each level, fine to
            coarse. NaN is no confidence.
        thresholds: One a level, as :func:`calibrate_level_thresholds` finds
            them. Infinity, or ``None`` in a sequence (which a config file
            can hold): a level that never answers.

    Returns:
        ``(N,)`` int64 index of the level, -1 where no level answers.

    Raises:
        ValueError: There is not one threshold per level, or one is NaN.
    """
    if not isinstance(thresholds, Tensor):
        values = [float('inf') if t is None else t for t in thresholds]
        thresholds = torch.tensor(values, dtype=torch.double)
    thresholds = thresholds.to(confidence.device, torch.double)
    if confidence.ndim != 2 or thresholds.shape != confidence.shape[1:]:
        raise ValueError(
            f'confidence must be (N, L) with one threshold per level, but is '
            f'{tuple(confidence.shape)} with {tuple(thresholds.shape)} '
            'thresholds'
        )
    if thresholds.isnan().any():
        raise ValueError(f'a threshold is NaN: {thresholds.tolist()}')
    # As float64, which holds a float32 exactly: a confidence that became a
    # threshold passes it.
    passes = confidence.double() >= thresholds
    # Of equal values argmax takes the first.
    finest = passes.to(torch.uint8).argmax(dim=1)
    return finest.where(passes.any(dim=1), -1)


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
            f'scores of level {name!r} must be (N, {classes}), one per class, '
            f'but are {tuple(scores.shape)}'
        )
    check_no_nan(scores)


def check_no_nan(scores: Tensor) -> None:
    """Check that no score ``(N, C)`` is NaN.

    Raises:
        ValueError: One is; names the first image.
    """
    broken = torch.isnan(scores).any(dim=1).nonzero().flatten()
    if len(broken):
        raise ValueError(
            f'scores of {len(broken)} of {len(scores)} images are NaN, the '
            f'first is image {int(broken[0])}'
        )


def check_classes(
    what: str, classes: Tensor, tree: LabelTree, level: int | str = 0
) -> None:
    """Check that every class is one of a level.

    Args:
        what: Name of the classes, for the message.
        classes: ``(N,)``.
        tree: Hierarchy.
        level: The level.

    Raises:
        ValueError: One is not; names the first image.
    """
    name = tree.levels[tree.level_index(level)]
    check_range(what, classes, tree.num_classes(level), f' of level {name!r}')


def check_range(
    what: str, classes: Tensor, num_classes: int, where: str = ''
) -> None:
    """Check that every class ``(N,)`` is from 0 to ``num_classes - 1``.

    Args:
        what: Name of the classes, for the message.
        classes: ``(N,)``.
        num_classes: Number of classes.
        where: End of the message.

    Raises:
        ValueError: One is not; names the first image.
    """
    outside = ((classes < 0) | (classes >= num_classes)).nonzero().flatten()
    if len(outside):
        first = int(outside[0])
        raise ValueError(
            f'{what} {int(classes[first])} of image {first} is outside '
            f'0..{num_classes - 1}{where}'
        )
