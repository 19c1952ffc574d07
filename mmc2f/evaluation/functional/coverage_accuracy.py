"""Coverage and selective accuracy: how much is answered, and how well."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

__all__ = ['accept_counts', 'coverage_accuracy', 'selective_accuracy']


def coverage_accuracy(
    confidence: Tensor, correct: Tensor
) -> tuple[Tensor, Tensor]:
    """Curve of coverage and selective accuracy over all thresholds.

    One point per distinct confidence, in descending order: with it as the
    threshold, the share of images that are answered and the share of the
    answers that are right. Images of equal confidence are answered together,
    so the curve does not depend on the order of the images.

    Args:
        confidence: ``(N,)``.
        correct: ``(N,)`` bool, whether the answer to the image is right.

    Returns:
        Coverage and accuracy, both ``(K,)`` float64 from 0 to 1, K <= N
        points. Coverage rises to 1, where accuracy is that of all images.

    Raises:
        ValueError: There is no image, shapes differ, or a confidence is NaN.
    """
    _, accepted, right = accept_counts(confidence, correct)
    return accepted / len(confidence), right / accepted


def selective_accuracy(
    levels: Tensor, correct: Tensor, names: Sequence[str]
) -> dict[str, float]:
    """Coverage and accuracy of answers of different levels, in percent.

    Args:
        levels: ``(N,)`` level of each answer, -1 for none.
        correct: ``(N, L)`` bool, whether each level's answer is right.
        names: Names of the L levels.

    Returns:
        ``coverage``, the share of images that are answered;
        ``selective_accuracy``, the share of right ones among the answers, NaN
        where there is none; ``{level}_share``, the share of images answered
        at the level. The shares add up to ``coverage``.

    Raises:
        ValueError: There is no image.
    """
    if not len(levels):
        raise ValueError('no image to judge the answers to')
    is_answered = levels >= 0
    rows = is_answered.nonzero().flatten()
    is_right = correct[rows, levels[rows]].double()
    shares = {
        f'{name}_share': 100 * (levels == level).double().mean().item()
        for level, name in enumerate(names)
    }
    accuracy = 100 * is_right.mean().item() if len(rows) else torch.nan
    return {
        'coverage': 100 * is_answered.double().mean().item(),
        'selective_accuracy': accuracy,
        **shares,
    }


def accept_counts(
    confidence: Tensor, correct: Tensor, groups: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Count the answers, and the right ones, that each threshold accepts.

    Args:
        confidence: ``(N,)``.
        correct: ``(N,)`` bool.
        groups: ``(N,)`` group of each image, from 0, to count apart.

    Returns:
        The K different confidences from the greatest down, ``(K,)``; the
        number of images that have at least that, and the number of those
        that are right, ``(K,)`` each, or ``(K, G)`` of each group. Float64.

    Raises:
        ValueError: As :func:`coverage_accuracy`.
    """
    if confidence.ndim != 1 or confidence.shape != correct.shape:
        raise ValueError(
            'confidence and correct must be (N,) both, but are '
            f'{tuple(confidence.shape)} and {tuple(correct.shape)}'
        )
    if not len(confidence):
        raise ValueError('no image to take the coverage of')
    if confidence.isnan().any():
        first = int(confidence.isnan().nonzero()[0])
        raise ValueError(f'the confidence of image {first} is NaN')
    confidence = confidence.double()
    order = confidence.argsort(descending=True)
    ordered = confidence[order]
    counts = torch.ones_like(ordered)
    right = correct[order].double()
    if groups is not None:
        counts = one_hot(groups[order].long()).double()
        right = right[:, None] * counts
    is_last = torch.ones_like(order, dtype=torch.bool)
    is_last[:-1] = ordered[:-1] != ordered[1:]
    return (
        ordered[is_last],
        counts.cumsum(dim=0)[is_last],
        right.cumsum(dim=0)[is_last],
    )
