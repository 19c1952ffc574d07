"""Accuracy of the re-ranking over its thresholds and number of classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmc2f.retrieval.gallery import Gallery
from mmc2f.retrieval.rerank_grid import HeldOut, grid_hits

__all__ = ['ReRankSweep', 'sweep_rerank']

#: Those of Fig. 6 of CCFR.
TOPN = (2, 3, 4, 5, 6)
T_SF = tuple(round(0.4 + 0.05 * step, 2) for step in range(12))
STEPS = 12
#: Of the similarities found, within which T_sc decides anything.
_QUANTILES = (0.01, 0.99)


@dataclass(frozen=True, eq=False)
class ReRankSweep:
    r"""Top-1 accuracy of Eq. 8-9 on a grid.

    Attributes:
        topn, t_sc, t_sf: Values of the parameters, rising.
        accuracy: ``(len(topn), len(t_sc), len(t_sf))``, in percent.
        coarse_accuracy: Without re-ranking, in percent.
        num_images: That it was measured on.
    """

    topn: tuple[int, ...]
    t_sc: tuple[float, ...]
    t_sf: tuple[float, ...]
    accuracy: np.ndarray
    coarse_accuracy: float
    num_images: int

    @property
    def best(self) -> tuple[int, int, int]:
        """Place of the greatest accuracy, the first of equal ones."""
        place = np.unravel_index(self.accuracy.argmax(), self.accuracy.shape)
        return int(place[0]), int(place[1]), int(place[2])

    def to_dict(self) -> dict[str, Any]:
        """In JSON types, with the ``best`` setting."""
        topn, t_sc, t_sf = self.best
        return {
            'images': self.num_images,
            'coarse_accuracy': self.coarse_accuracy,
            'best': {
                'topn': self.topn[topn],
                't_sc': self.t_sc[t_sc],
                't_sf': self.t_sf[t_sf],
                'accuracy': float(self.accuracy[self.best]),
            },
            'topn': list(self.topn),
            't_sc': list(self.t_sc),
            't_sf': list(self.t_sf),
            'accuracy': self.accuracy.tolist(),
        }


def sweep_rerank(
    coarse_probs: Tensor,
    embeddings: Tensor,
    labels: Tensor,
    gallery: Gallery,
    topn: Sequence[int] = TOPN,
    t_sf: Sequence[float] = T_SF,
    t_sc: Sequence[float] | None = None,
    topm: int = 50,
    alpha: float = 0.0,
    gate: str = 'per_class',
) -> ReRankSweep:
    r"""Re-rank the same images with each setting, as Fig. 6 of CCFR.

    Args:
        coarse_probs: Softmax ``(N, C)``.
        embeddings: Of the same images, ``(N, D)``.
        labels: ``(N,)``.
        gallery: What is searched.
        topn: Numbers of classes; those above C are left out.
        t_sf: Values of :math:`T_{sf}`.
        t_sc: Of :math:`T_{sc}`; ``None``: 12 in the range of the
            similarities that are found. The paper has 0.5 to 0.95, but those
            of a whitened gallery are lower.
        topm, alpha, gate: See :class:`mmc2f.ReRankPostProcessor`; beta is 1.

    Raises:
        ValueError: There is no image, or no ``topn`` fits the classes.
    """
    if not len(labels):
        raise ValueError('there is no image to re-rank')
    num_classes = coarse_probs.shape[1]
    numbers = tuple(sorted({n for n in topn if n <= num_classes}))
    if not numbers:
        raise ValueError(
            f'no topn of {tuple(topn)} fits the {num_classes} classes'
        )
    if t_sc is None:
        t_sc = _range_of(gallery.search(embeddings, topm).similarities)
    of_votes, of_softmax = tuple(sorted(t_sc)), tuple(sorted(t_sf))
    grid = dict(
        topn=numbers,
        topm=(topm,),
        t_sc=of_votes,
        gate=(gate,),
        alpha=(alpha,),
        t_sf=of_softmax,
    )
    images = HeldOut(coarse_probs, embeddings, labels, {None: gallery})
    hits = grid_hits('paper', [images], None, grid)
    accuracy = 100 * hits.double().mean(dim=-1)
    is_right = coarse_probs.argmax(dim=1) == labels
    return ReRankSweep(
        numbers,
        of_votes,
        of_softmax,
        accuracy[:, 0, :, 0, 0].numpy(),
        100 * float(is_right.double().mean()),
        len(labels),
    )


def _range_of(similarities: Tensor) -> tuple[float, ...]:
    found = similarities[torch.isfinite(similarities)].double()
    low, high = np.quantile(found.cpu().numpy(), _QUANTILES).clip(0, 1)
    values = np.linspace(low, high, STEPS).round(3).tolist()
    return tuple(dict.fromkeys(values))
