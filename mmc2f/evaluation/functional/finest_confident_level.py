"""The finest level of which a model is sure enough."""

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ['finest_confident_level']


def finest_confident_level(
    confidence: Tensor, thresholds: Tensor | Sequence[float | None]
) -> Tensor:
    """Say "a gull" where the species of gull is in doubt.

    Answers at the first level, from fine to coarse, whose confidence is at
    least its threshold::

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
        ValueError: There is not one threshold a level, or one is NaN.
    """
    if not isinstance(thresholds, Tensor):
        values = [float('inf') if t is None else t for t in thresholds]
        thresholds = torch.tensor(values, dtype=torch.double)
    thresholds = thresholds.to(confidence.device, torch.double)
    if confidence.ndim != 2 or thresholds.shape != confidence.shape[1:]:
        raise ValueError(
            f'confidence must be (N, L) with one threshold a level, but is '
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
