"""How sure one can be that one model is better than another."""

from typing import NamedTuple

import numpy as np
import torch
from scipy import stats
from torch import Tensor

__all__ = ['PairedGain', 'paired_bootstrap']


class PairedGain(NamedTuple):
    """Difference of two accuracies, in percentage points."""

    #: Accuracy of b minus that of a.
    gain: float
    #: Lower end of the confidence interval of the gain.
    low: float
    #: Upper end.
    high: float


def paired_bootstrap(
    correct_a: Tensor,
    correct_b: Tensor,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> PairedGain:
    """Gain of b over a, with a percentile bootstrap interval over images.

    Both answer the same images, so that what differs is taken image by image
    and the images are resampled, each with both answers::

        d_i = mean over runs of b_i - mean over runs of a_i
        gain = mean of d_i over the N images
        low, high = quantiles of the mean of N images drawn from d with
                    replacement, at (1 -+ confidence) / 2

    That is narrower than two intervals of their own where both models are
    right about mostly the same images. It says how the gain scatters with
    the choice of test images. Runs of other seeds scatter too, which no
    interval over images knows of: give several runs of each, and report
    their spread beside it. Rows must be independent: several views of an
    image are no images of their own.

    Args:
        correct_a, correct_b: ``(N,)`` bool, whether the answer to each image
            is right, or ``(S, N)`` of S runs; S may differ between a and b.
        confidence: Share of such intervals that hold the gain on all images
            of this kind, between 0 and 1.
        resamples: How many times the N images are drawn.
        seed: Equal seeds give equal intervals.

    Returns:
        ``(gain, low, high)`` in percentage points.

    Raises:
        ValueError: There is no image or no run, the images differ in number,
            a value is NaN, or ``confidence`` or ``resamples`` is out of
            range.
    """
    if not 0 < confidence < 1:
        raise ValueError(f'confidence must be in (0, 1), got {confidence}')
    if resamples < 1:
        raise ValueError(f'resamples must be at least 1, got {resamples}')
    a, b = _mean_of_runs(correct_a, 'a'), _mean_of_runs(correct_b, 'b')
    if len(a) != len(b):
        raise ValueError(
            f'a has {len(a)} images and b has {len(b)}: they must be the '
            'same images in the same order'
        )
    difference = 100 * (b - a)
    gain = float(difference.mean())
    if len(difference) == 1:  # scipy refuses to resample a single one
        return PairedGain(gain, gain, gain)
    interval = stats.bootstrap(
        (difference,),
        np.mean,
        n_resamples=resamples,
        # As many at a time as fit some 80 MB.
        batch=max(1, 10**7 // len(difference)),
        confidence_level=confidence,
        method='percentile',
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    return PairedGain(gain, float(interval.low), float(interval.high))


def _mean_of_runs(correct: Tensor, name: str) -> np.ndarray:
    """Share of the runs that are right, ``(N,)`` float64."""
    values = torch.as_tensor(correct).double()
    if values.ndim not in (1, 2) or not values.numel():
        raise ValueError(
            f'correct_{name} must be (N,) or (S, N), with at least one image, '
            f'but is {tuple(values.shape)}'
        )
    if values.isnan().any():
        raise ValueError(f'correct_{name} has a NaN')
    return values.reshape(-1, values.shape[-1]).mean(dim=0).cpu().numpy()
