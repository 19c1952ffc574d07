"""Chooses how to re-rank, and whether at all, on held-out images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from scipy.ndimage import uniform_filter1d
from torch import Tensor

from mmc2f.retrieval.calibrated_rerank import fit_temperature
from mmc2f.retrieval.gallery import Gallery
from mmc2f.retrieval.rerank_grid import (
    Grid,
    HeldOut,
    default_grid,
    grid_hits,
)
from mmc2f.retrieval.tuned_rerank import TunedReRank

__all__ = ['tune_rerank', 'tune_rerank_on_folds']

# From the plainest: by the number of parameters.
TUNED_MODES = ('prototypes', 'kernel', 'paper')
FEWEST_IMAGES = 20
_NUM_SPLITS = 5
_ROUNDING = 1e-9


@dataclass(frozen=True)
class _Family:
    """The settings of one mode on one kind of gallery."""

    mode: str
    whiten: str | None
    grid: Grid
    hits: np.ndarray

    def plateau(self, images: np.ndarray) -> np.ndarray:
        """Accuracy of each setting, averaged over its next in the grid."""
        accuracy = self.hits[..., images].mean(axis=-1)
        for axis, values in enumerate(self.grid.values()):
            # Between two values, or names, there is nothing in between.
            if len(values) > 2:
                accuracy = uniform_filter1d(accuracy, 3, axis, mode='nearest')
        return accuracy

    def centre(self, images: np.ndarray) -> tuple[tuple[int, ...], float]:
        """Place and height of the best plateau; of a flat one its middle."""
        plateau = self.plateau(images)
        best = np.argwhere(plateau > plateau.max() - _ROUNDING)
        offset = np.abs(best - best.mean(axis=0)).sum(axis=1)
        index = tuple(best[offset.argmin()].tolist())
        return index, float(plateau[index])

    def params(self, index: tuple[int, ...]) -> dict[str, Any]:
        values = zip(self.grid.items(), index, strict=True)
        return {'mode': self.mode} | {
            name: choices[i] for (name, choices), i in values
        }


def tune_rerank(
    coarse_probs: Tensor,
    embeddings: Tensor,
    labels: Tensor,
    gallery: Gallery | Mapping[str | None, Gallery],
    **options: Any,
) -> TunedReRank:
    """Choose mode and parameters of the re-ranking on held-out images.

    Args:
        coarse_probs: Softmax ``(N, C)`` of images that the weights were not
            fitted to. On images that they were, every answer is sure and
            every embedding neat, and what is chosen is wrong for others.
        embeddings: Of the same images, ``(N, D)``.
        labels: ``(N,)``.
        gallery: Gallery of the images that the weights were fitted to; or
            several by their whitening, ``{None: ..., 'lda': ...}``, between
            which is then chosen.
        **options: Of :func:`tune_rerank_on_folds`.

    Raises:
        ValueError: As there.
    """
    if isinstance(gallery, Gallery):
        gallery = {gallery.whiten: gallery}
    fold = HeldOut(coarse_probs, embeddings, labels, gallery)
    return tune_rerank_on_folds([fold], **options)


def tune_rerank_on_folds(
    folds: Sequence[HeldOut],
    modes: Sequence[str] = TUNED_MODES,
    tolerance: float = 1.0,
    confidence: float = 0.95,
    seed: int = 0,
) -> TunedReRank:
    r"""Choose by the held-out images of one model, or of several.

    1. Every setting of every mode and gallery is tried on every image.
       ``temperature`` is 1 or that of least negative log-likelihood.
    2. Of each mode and gallery the setting in the centre of the best plateau
       is taken: accuracies are averaged over neighbouring settings (three
       values along each parameter), and the highest average counts, of
       equal ones that in their middle. A single lucky setting does not.
    3. Among these, one is as good as the best when it is behind by less than
       ``tolerance`` standard errors of their difference on the same images
       (the one-standard-error rule). Of those the plainest is taken: without
       whitening before whitened; ``'prototypes'`` (3 parameters) before
       ``'kernel'`` (5) before ``'paper'`` (6).
    4. The gain over the coarse answer is measured by cross-validation: steps
       2 and 3 are done on four fifths of the images and judged on the last,
       five times, so that no image takes part in choosing the setting that
       it is judged by. Its interval is that of
       :func:`mmc2f.functional.paired_bootstrap`.
    5. Where the lower end of the interval is not above 0, the choice is
       ``mode='none'``: the coarse answer stays.

    Args:
        folds: Predictions of one model on images held out of its training;
            or of several models, each on its own (cross-fitting), pooled.
        modes: What is tried.
        tolerance: In standard errors; 0 takes the best.
        confidence: Of the interval.
        seed: Of the cross-validation and the bootstrap.

    Raises:
        ValueError: Fewer than 20 images, or shapes do not fit each other.
    """
    # Evaluation imports retrieval.
    from mmc2f.evaluation.functional.paired_bootstrap import paired_bootstrap

    labels = torch.cat([fold.labels for fold in folds])
    if len(labels) < FEWEST_IMAGES:
        raise ValueError(
            f'Re-ranking is tuned on {FEWEST_IMAGES} held-out images or '
            f'more, got {len(labels)}. With few training images, train '
            'several folds and pool them.'
        )
    probs = torch.cat([fold.coarse_probs for fold in folds])
    temperature = fit_temperature(probs, labels)
    families = _families(folds, modes, temperature)
    was_right = probs.argmax(dim=1) == labels

    everything = np.arange(len(labels))
    chosen, index = _choose(families, everything, tolerance)
    is_right = _cross_validated(families, len(labels), tolerance, seed)
    gain = paired_bootstrap(was_right, is_right, confidence, seed=seed)
    candidate = chosen.params(index)
    helps = gain.low > 0
    return TunedReRank(
        params=candidate if helps else {'mode': 'none'},
        whiten=chosen.whiten if helps else None,
        gain=gain.gain,
        low=gain.low,
        high=gain.high,
        coarse_accuracy=100 * float(was_right.double().mean()),
        num_images=len(labels),
        temperature=temperature,
        candidate=candidate,
        candidate_whiten=chosen.whiten,
        tried=[_report(family) for family in families],
    )


def _families(
    folds: Sequence[HeldOut], modes: Sequence[str], temperature: float
) -> list[_Family]:
    """All that is tried, from the plainest."""
    whitenings = sorted(folds[0].galleries, key=lambda w: (w is not None, w))
    families = []
    modes = [mode for mode in TUNED_MODES if mode in modes]
    for whiten, mode in product(whitenings, modes):
        grid = default_grid(mode, folds, whiten, temperature)
        hits = grid_hits(mode, folds, whiten, grid).numpy()
        families.append(_Family(mode, whiten, grid, hits))
    return families


def _choose(
    families: Sequence[_Family], images: np.ndarray, tolerance: float
) -> tuple[_Family, tuple[int, ...]]:
    """Steps 2 and 3, by some of the images."""
    picks = []
    for family in families:
        index, value = family.centre(images)
        picks.append((value, family.hits[index][images], index))
    best = max(range(len(picks)), key=lambda i: picks[i][0])
    best_hits = picks[best][1].astype(float)
    for family, (_, hits, index) in zip(families, picks, strict=True):
        difference = best_hits - hits
        error = difference.std() / len(images) ** 0.5
        if difference.mean() <= tolerance * error:
            return family, index
    raise AssertionError('the best is as good as itself')


def _cross_validated(
    families: Sequence[_Family], num_images: int, tolerance: float, seed: int
) -> Tensor:
    """Whether each image is right by what the others chose."""
    is_right = np.zeros(num_images, dtype=bool)
    order = np.random.default_rng(seed).permutation(num_images)
    for judged in np.array_split(order, _NUM_SPLITS):
        others = np.setdiff1d(order, judged)
        family, index = _choose(families, others, tolerance)
        is_right[judged] = family.hits[index][judged]
    return torch.from_numpy(is_right)


def _report(family: _Family) -> dict[str, Any]:
    """The best setting of a family, and curves through it."""
    index, _ = family.centre(np.arange(family.hits.shape[-1]))
    accuracy = 100 * family.hits.mean(axis=-1)
    curves = {}
    for axis, (name, values) in enumerate(family.grid.items()):
        along = tuple(
            slice(None) if i == axis else place
            for i, place in enumerate(index)
        )
        curves[name] = {
            'values': list(values),
            'accuracy': accuracy[along].tolist(),
        }
    return {
        'mode': family.mode,
        'whiten': family.whiten,
        'params': family.params(index),
        'accuracy': float(accuracy[index]),
        'curves': curves,
    }
