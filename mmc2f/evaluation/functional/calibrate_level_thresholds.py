"""Thresholds with which the answers of each level are right often enough."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmc2f.evaluation.functional.coverage_accuracy import accept_counts
from mmc2f.structures import finest_confident_level

__all__ = [
    'calibrate_level_thresholds',
    'cross_validated_levels',
    'split_images',
]

NEVER = float('inf')


def calibrate_level_thresholds(
    confidence: Tensor,
    correct: Tensor,
    target: float,
    min_accepted: int = 1,
    groups: Tensor | None = None,
) -> Tensor:
    """Find thresholds for :func:`finest_confident_level`.

    A coarser level answers only the images that the finer levels leave, which
    are the hard ones. The levels are therefore calibrated in order, each on
    the images that reach it::

        R_0 = all images
        t_l = min{t : right share of {i in R_l : c_il >= t} >= target}
        R_l+1 = {i in R_l : c_il < t_l}

    As the answers of each level reach the target, so do all answers together.
    The smallest t gives each level its greatest coverage; the coverage of all
    levels together need not be the greatest possible.

    The target holds on the calibration images. On new images the accuracy is
    below the target about as often as above it, by about
    ``sqrt(target * (1 - target) / accepted)``. A level with few images left
    can be far off, as three lucky answers of three make 100%;
    ``min_accepted`` rejects such thresholds.

    The target holds over all resolutions (views) together, each as frequent
    as in the calibration data, not for one resolution or class: sharp images,
    which are nearly always right, compensate for blurred ones. With
    ``groups`` a threshold must also reach the target in each group, and so in
    any mixture of the groups, at a lower coverage. A group in which it accepts
    fewer than ``min_accepted`` is filled up with right answers: two wrong
    answers of three are then too many, one wrong answer of one may pass.

    Calibration images must be of the same kind as the images to be answered,
    used neither to train nor to select the model, and not near-copies of one
    another (frames of a video).

    Args:
        confidence: ``(N, L)`` greatest probability of each level, fine to
            coarse.
        correct: ``(N, L)`` bool, whether the class with it is the true one.
        target: Share of right answers to reach, over 0 and up to 1.
        min_accepted: A level that would answer fewer images than this never
            answers.
        groups: ``(N,)`` group of each row, from 0, its resolution say.

    Returns:
        ``(L,)`` float64, infinity for a level that never answers.

    Raises:
        ValueError: There is no image, shapes differ, a confidence is NaN, or
            an option is out of range.
    """
    _check(confidence, correct, target, min_accepted)
    confidence = confidence.double()
    reaches = torch.ones_like(confidence[:, 0], dtype=torch.bool)
    thresholds = []
    for level in range(confidence.shape[1]):
        threshold = NEVER
        if reaches.any():
            threshold = _smallest(
                confidence[reaches, level],
                correct[reaches, level],
                None if groups is None else groups[reaches],
                target,
                min_accepted,
            )
        thresholds.append(threshold)
        reaches &= confidence[:, level] < threshold
    return torch.tensor(thresholds, dtype=torch.double)


def split_images(images: Sequence[str] | Sequence[int]) -> Tensor:
    """Split the images into two folds, all rows of an image in the same.

    Every other image in sorted order: the folds depend neither on the order
    of the rows nor on chance, and where names sort by class each fold has
    half of each class.

    Args:
        images: ``(N,)`` name of the image of each row, all of one type.

    Returns:
        ``(N,)`` bool, whether the row is in the second fold.
    """
    names: list = sorted(set(images))
    place = {name: i for i, name in enumerate(names)}
    return torch.tensor([place[name] % 2 == 1 for name in images]).bool()


def cross_validated_levels(
    confidence: Tensor,
    correct: Tensor,
    in_second: Tensor,
    target: float,
    **options: Any,
) -> Tensor:
    """Answered level of each row, by two-fold cross-validation.

    Thresholds look better than they are on the images that they were chosen
    for, so each fold is answered with the thresholds calibrated on the other.
    These use half of the images and scatter a little more than thresholds
    calibrated on all.

    Args:
        confidence: ``(N, L)``.
        correct: ``(N, L)`` bool.
        in_second: ``(N,)`` bool, the fold of each row, see
            :func:`split_images`.
        target: See :func:`calibrate_level_thresholds`.
        **options: Likewise. ``groups`` are those of all rows.

    Returns:
        ``(N,)`` int64, as :func:`finest_confident_level`.

    Raises:
        ValueError: A fold is empty, or as
            :func:`calibrate_level_thresholds`.
    """
    levels = torch.full((len(confidence),), -1)
    groups = options.pop('groups', None)
    for fold in (in_second, ~in_second):
        if not fold.any():
            raise ValueError(
                'one image alone cannot be both calibrated on and judged: '
                'give at least two, or thresholds'
            )
        thresholds = calibrate_level_thresholds(
            confidence[~fold],
            correct[~fold],
            target,
            groups=None if groups is None else groups[~fold],
            **options,
        )
        levels[fold] = finest_confident_level(confidence[fold], thresholds)
    return levels


def _smallest(
    confidence: Tensor,
    correct: Tensor,
    groups: Tensor | None,
    target: float,
    min_accepted: int,
) -> float:
    """Smallest confidence from which on ``target`` of the answers is right."""
    values, accepted, right = accept_counts(confidence, correct)
    is_good = (right / accepted >= target) & (accepted >= min_accepted)
    if groups is not None:
        _, accepted, right = accept_counts(confidence, correct, groups)
        missing = (min_accepted - accepted).clamp(min=0)
        shares = (right + missing) / (accepted + missing)
        is_good &= (shares >= target).all(dim=1)
    return values[is_good][-1].item() if is_good.any() else NEVER


def _check(
    confidence: Tensor, correct: Tensor, target: float, min_accepted: int
) -> None:
    if confidence.ndim != 2 or confidence.shape != correct.shape:
        raise ValueError(
            'confidence and correct must be (N, L) both, but are '
            f'{tuple(confidence.shape)} and {tuple(correct.shape)}'
        )
    if not len(confidence):
        raise ValueError('no image to calibrate on')
    broken = confidence.isnan().any(dim=1).nonzero().flatten()
    if len(broken):
        raise ValueError(f'a confidence of image {int(broken[0])} is NaN')
    if not 0 < target <= 1:
        raise ValueError(
            f'target is a share, over 0 and up to 1, but got {target}'
        )
    if min_accepted < 1:
        raise ValueError(
            f'min_accepted must be at least 1, but got {min_accepted}'
        )
