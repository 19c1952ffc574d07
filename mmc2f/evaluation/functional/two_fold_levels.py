"""Each half of the images judged by thresholds of the other half."""

from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import Tensor

from mmc2f.evaluation.functional.calibrate_level_thresholds import (
    calibrate_level_thresholds,
)
from mmc2f.structures import finest_confident_level

__all__ = ['split_images', 'two_fold_levels']


def split_images(images: Sequence[Hashable]) -> Tensor:
    """Deal the images out to two halves, all rows of one to the same.

    Every other image in sorted order: the halves depend neither on the order
    of the rows nor on chance, and where names sort by class each half has
    half of each class.

    Args:
        images: ``(N,)`` name of the image of each row, all of one type.

    Returns:
        ``(N,)`` bool, whether the row is in the second half.
    """
    place = {name: i for i, name in enumerate(sorted(set(images)))}
    return torch.tensor([place[name] % 2 == 1 for name in images]).bool()


def two_fold_levels(
    confidence: Tensor,
    correct: Tensor,
    in_second: Tensor,
    target: float,
    groups: Tensor | None = None,
    **options: Any,
) -> Tensor:
    """Answered level of each row, by thresholds that have not seen its image.

    Thresholds judged on the images that they were chosen for look better
    than they are. Here each half has those of the other half. They rest on
    half of the images, so that what is measured is a little more scattered
    than what thresholds of all images would give.

    Args:
        confidence: ``(N, L)``.
        correct: ``(N, L)`` bool.
        in_second: ``(N,)`` bool, the half of each row, see
            :func:`split_images`.
        target: See :func:`calibrate_level_thresholds`.
        groups: ``(N,)``, likewise.
        **options: Likewise.

    Returns:
        ``(N,)`` int64, as :func:`finest_confident_level`.

    Raises:
        ValueError: A half is empty, or as
            :func:`calibrate_level_thresholds`.
    """
    levels = torch.full((len(confidence),), -1)
    for half in (in_second, ~in_second):
        if not half.any():
            raise ValueError(
                'one image alone cannot be both calibrated on and judged: '
                'give at least two, or thresholds'
            )
        thresholds = calibrate_level_thresholds(
            confidence[~half],
            correct[~half],
            target,
            groups=None if groups is None else groups[~half],
            **options,
        )
        levels[half] = finest_confident_level(confidence[half], thresholds)
    return levels
