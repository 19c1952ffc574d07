"""Chooses on held-out images which of them need more than the global pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import torch
from torch import Tensor

from mmc2f.retrieval.rerank_grid import HeldOut
from mmc2f.retrieval.reranker import ReRankPostProcessor

__all__ = ['TunedCascade', 'tune_cascade', 'tune_cascade_on_folds']

_NUM_SPLITS = 5


@dataclass(frozen=True)
class TunedCascade:
    """What :func:`tune_cascade` chose. Accuracies in percent.

    Attributes:
        threshold: For :meth:`mmc2f.models.CCFR.attach_cascade`; None where
            every image that ends early costs accuracy.
        went_on: Share of the held-out images that go on, in percent.
        gain: Top-1 with the cascade minus that without, in points, on the
            images that chose the threshold; never negative.
        judged_gain: The same by cross-validation: each image is judged by a
            threshold that the others chose.
        num_images: Held-out images it rests on.

    Raises:
        ValueError: The threshold is no number of at least 0.
    """

    threshold: float | None
    went_on: float
    gain: float
    judged_gain: float
    num_images: int

    def __post_init__(self) -> None:
        threshold = self.threshold
        if threshold is None:
            return
        if not isinstance(threshold, Real) or not threshold >= 0:
            raise ValueError(f'the threshold of a cascade is {threshold!r}')

    def summary(self) -> str:
        """The choice in a sentence."""
        if self.threshold is None:
            return (
                'No threshold of a cascade keeps the accuracy of '
                f'{self.num_images} held-out images: all images go on'
            )
        return (
            f'Cascade: {self.went_on:.1f} % of {self.num_images} held-out '
            f'images go on, below {self.threshold:.4f}; top-1 '
            f'{self.gain:+.2f} points, {self.judged_gain:+.2f} '
            'cross-validated'
        )


def tune_cascade(
    global_probs: Tensor, labels: Tensor, is_right: Tensor, seed: int = 0
) -> TunedCascade:
    """The lowest threshold that loses no accuracy on held-out images.

    The lowest is the cheapest: with it the fewest images go on. Thresholds
    that are tried are the best probabilities of the images, so that an image
    less sure than any that ended early here goes on.

    Args:
        global_probs: Softmax ``(N, C)`` of the global pass, for images that
            the weights were not fitted to.
        labels: ``(N,)``.
        is_right: Bool ``(N,)``, whether the full model is.
        seed: Of the cross-validation.

    Raises:
        ValueError: There is no image, or shapes do not fit each other.
    """
    shape = (len(labels),)
    if not shape[0] or labels.shape != shape or is_right.shape != shape:
        raise ValueError(
            'a cascade is tuned on images with a label and an answer each, '
            f'got {tuple(labels.shape)} labels and {tuple(is_right.shape)} '
            'answers'
        )
    best, classes = global_probs.max(dim=1)
    sure = best.double().numpy()
    # What an image that ends early gains: -1, 0 or 1 right answers.
    change = (classes == labels).int() - is_right.int()
    gains = change.numpy()
    threshold = _cheapest(sure, gains)
    ends = sure >= (np.inf if threshold is None else threshold)
    return TunedCascade(
        threshold=threshold,
        went_on=100 * float(1 - ends.mean()),
        gain=100 * float(gains[ends].sum() / len(sure)),
        judged_gain=100 * _cross_validated(sure, gains, seed),
        num_images=len(sure),
    )


def tune_cascade_on_folds(
    folds: Sequence[HeldOut],
    post_processor: ReRankPostProcessor,
    whiten: str | None,
    seed: int = 0,
) -> TunedCascade | None:
    """:func:`tune_cascade` against the re-ranked answer, on pooled folds.

    Args:
        folds: As for :func:`mmc2f.retrieval.tune_rerank_on_folds`.
        post_processor: The re-ranking of the full model.
        whiten: Which of the galleries it searches.
        seed: Of the cross-validation.

    Returns:
        ``None`` for a model without a global pass.
    """
    probs = [fold.global_probs for fold in folds]
    if any(p is None for p in probs):
        return None
    is_right = []
    for fold in folds:
        scores = fold.coarse_probs
        if post_processor.mode != 'none':
            scores = post_processor(
                scores, fold.embeddings, fold.galleries[whiten]
            ).scores
        is_right.append(scores.argmax(dim=1) == fold.labels)
    return tune_cascade(
        torch.cat([p for p in probs if p is not None]),
        torch.cat([fold.labels for fold in folds]),
        torch.cat(is_right),
        seed,
    )


def _cheapest(sure: np.ndarray, gains: np.ndarray) -> float | None:
    """The lowest threshold at which no right answer is lost in all."""
    order = np.argsort(-sure, kind='stable')
    total = gains[order].cumsum()
    # Of equally sure images all end, or none.
    is_last = np.append(np.diff(sure[order]) < 0, True)
    keeps = np.flatnonzero(is_last & (total >= 0))
    return float(sure[order][keeps[-1]]) if len(keeps) else None


def _cross_validated(
    sure: np.ndarray, gains: np.ndarray, seed: int
) -> float:
    """Mean gain of images whose threshold the others chose."""
    total = 0
    order = np.random.default_rng(seed).permutation(len(sure))
    for judged in np.array_split(order, _NUM_SPLITS):
        others = np.setdiff1d(order, judged)
        threshold = _cheapest(sure[others], gains[others])
        if threshold is not None:
            total += gains[judged][sure[judged] >= threshold].sum()
    return float(total / len(sure))
