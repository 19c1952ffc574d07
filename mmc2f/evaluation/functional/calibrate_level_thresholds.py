"""Thresholds with which the answers of each level are right often enough."""

import math

import torch
from torch import Tensor

from mmc2f.evaluation.functional.coverage_accuracy import accept_counts

__all__ = ['CANDIDATES', 'calibrate_level_thresholds']

#: Thresholds to choose from where a proof is asked for: even in log-odds,
#: from 0.25% to 99.995%, fixed before any image is seen.
CANDIDATES = torch.linspace(-6, 10, 33, dtype=torch.double).sigmoid()
NEVER = float('inf')


def calibrate_level_thresholds(
    confidence: Tensor,
    correct: Tensor,
    target: float,
    min_accepted: int = 1,
    delta: float | None = None,
    rows_per_image: int = 1,
    groups: Tensor | None = None,
) -> Tensor:
    """Find thresholds for :func:`finest_confident_level`.

    A coarser level only answers what the finer ones have left, which are the
    hard images; thresholds that hold over all images would promise too much
    there. So the levels are calibrated in their order, each on the images
    that reach it::

        R_0 = all images
        t_l = min{t : right share of {i in R_l : c_il >= t} >= target}
        R_l+1 = {i in R_l : c_il < t_l}

    As each level's answers reach the target, so do all answers together.
    The smallest t gives each level the most answers it can have; giving up
    some of them could leave a coarser level more, so that the coverage of
    all levels together need not be the greatest possible.

    **Without** ``delta`` the target holds on the images given here. On new
    ones it holds about, not surely: the threshold was chosen for these
    images, so that accuracy on new ones falls short of the target about as
    often as not, by some ``sqrt(target * (1 - target) / accepted)``. A level
    that has few images left can be far off, as three lucky ones of three
    make 100%. ``min_accepted`` refuses such thresholds.

    **With** ``delta``, where each image is one row: the probability that
    the images drawn for calibration lead to a threshold with which, at any
    level, the answers to new images are right less often than ``target``, is
    at most ``delta``. Thresholds come from :data:`CANDIDATES` (33, and
    never), and one is accepted where n answers, k of them right, satisfy
    Chernoff's bound on the binomial tail ::

        n * KL(k/n || target) >= log(1 / alpha_l),  k/n > target,
        alpha_l = delta / (L * 34^(l+1))

    with the relative entropy KL of two coins. Dividing ``delta`` by the
    number of ways to choose the thresholds up to level l covers any choice
    among them (union bound), this sequential one included. With a target of
    0.9, ``delta`` 0.05 and 3 levels the finest needs 73 answers without a
    mistake, or 1000 with at most 65; with less, the level never answers.
    That is the price of the promise.

    **Neither** says anything of one resolution or one class alone. With
    several resolutions in one calibration, what holds is for an image of
    which one does not know the resolution, each being as frequent as here:
    sharp images, that are nearly always right, make up for blurred ones
    that are wrong. With ``groups`` a threshold must reach the target in each
    group too, and so in any mixture of them, at the price of fewer answers.
    In a group in which it accepts fewer than ``min_accepted``, the missing
    ones count as right: two wrong ones of three are then too many, one
    wrong one of one may pass.

    And all that holds for images of the same kind, not used to train the
    model or to select it, and not near-copies of one another (frames of a
    video).

    Args:
        confidence: ``(N, L)`` greatest probability of each level, fine to
            coarse.
        correct: ``(N, L)`` bool, whether the class with it is the true one.
        target: Share of right answers to reach, over 0 and up to 1.
        min_accepted: A level that would answer fewer images than this never
            answers.
        delta: Probability of failure, between 0 and 1, or ``None``.
        rows_per_image: How many rows are of one image, in several
            resolutions say. They go right or wrong together, more or less,
            so n counts as ``n / rows_per_image`` in the bound above. Where
            all rows of an image are alike that is exact; where they are not
            it is meant to be cautious, but not proven.
        groups: ``(N,)`` group of each row, from 0, its resolution say. Not
            with ``delta``: a group with few answers could prove nothing.

    Returns:
        ``(L,)`` float64, infinity for a level that never answers.

    Raises:
        ValueError: There is no image, shapes differ, a confidence is NaN, or
            an option is out of range.
    """
    _check(confidence, correct, target, min_accepted, delta, rows_per_image)
    if groups is not None and delta is not None:
        raise ValueError('groups and delta cannot be had together')
    num_levels = confidence.shape[1]
    confidence = confidence.double()
    reaches = torch.ones_like(confidence[:, 0], dtype=torch.bool)
    thresholds = []
    for level in range(num_levels):
        column = confidence[reaches, level], correct[reaches, level]
        own = None if groups is None else groups[reaches]
        if not reaches.any():
            threshold = NEVER
        elif delta is None:
            threshold = _smallest(*column, own, target, min_accepted)
        else:
            choices = num_levels * (len(CANDIDATES) + 1.0) ** (level + 1)
            needed = rows_per_image * math.log(choices / delta)
            threshold = _proven(*column, target, min_accepted, needed)
        thresholds.append(threshold)
        reaches &= confidence[:, level] < threshold
    return torch.tensor(thresholds, dtype=torch.double)


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


def _proven(
    confidence: Tensor,
    correct: Tensor,
    target: float,
    min_accepted: int,
    needed: float,
) -> float:
    """Smallest candidate whose evidence for ``target`` is ``needed``."""
    is_accepted = confidence >= CANDIDATES.to(confidence.device)[:, None]
    accepted = is_accepted.sum(dim=1).double()
    right = (is_accepted & correct.bool()).sum(dim=1).double()
    share = right / accepted.clamp(min=1)
    evidence = accepted * _relative_entropy(share, target)
    is_good = (share > target) & (evidence >= needed)
    is_good &= accepted >= min_accepted
    return CANDIDATES[is_good.cpu()][0].item() if is_good.any() else NEVER


def _relative_entropy(share: Tensor, target: float) -> Tensor:
    """KL divergence of a coin of ``target`` from coins of ``share``."""
    if target == 1:
        # No number of right answers proves that there is no wrong one.
        return torch.zeros_like(share)
    return torch.xlogy(share, share / target) + torch.xlogy(
        1 - share, (1 - share) / (1 - target)
    )


def _check(
    confidence: Tensor,
    correct: Tensor,
    target: float,
    min_accepted: int,
    delta: float | None,
    rows_per_image: int,
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
    if delta is not None and not 0 < delta < 1:
        raise ValueError(f'delta must be between 0 and 1, but got {delta}')
    if min_accepted < 1 or rows_per_image < 1:
        raise ValueError(
            'min_accepted and rows_per_image must be at least 1, but got '
            f'{min_accepted} and {rows_per_image}'
        )
