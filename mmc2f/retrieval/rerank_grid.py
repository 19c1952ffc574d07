"""Whether each image is right under each setting of the re-ranking."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from mmc2f.precision import at_least_float32
from mmc2f.retrieval.calibrated_rerank import (
    kernel_votes,
    mix_prototypes,
    temper,
)
from mmc2f.retrieval.gallery import Gallery
from mmc2f.retrieval.neighbours import Neighbours
from mmc2f.retrieval.rerank import (
    coarse_order,
    mix_scores,
    retrieval_votes,
)

__all__ = ['Grid', 'HeldOut', 'default_grid', 'grid_hits']

# Values of one parameter each; their order is that of the axes.
Grid = Mapping[str, Sequence]

TOPN = (2, 3, 5, 10)
# Of the similarities of the nearest images: thresholds in any scale.
_QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class HeldOut:
    """Images that the weights were not fitted to, and galleries for them.

    Attributes:
        coarse_probs: Softmax, ``(N, C)``.
        embeddings: ``(N, D)``.
        labels: ``(N,)``.
        galleries: Galleries of one set of images by the way they are
            whitened, such as ``{None: ..., 'lda': ...}``. They hold none of
            the N images.
        global_probs: Softmax ``(N, C)`` of the global pass, where a cascade
            is tuned.
    """

    coarse_probs: Tensor
    embeddings: Tensor
    labels: Tensor
    galleries: Mapping[str | None, Gallery]
    global_probs: Tensor | None = None


def default_grid(
    mode: str, folds: Sequence[HeldOut], whiten: str | None, temperature: float
) -> Grid:
    """The settings that are tried.

    Args:
        mode: Of :class:`mmc2f.ReRankPostProcessor`, but ``'none'``.
        folds: The images; they set the class count, and the range of
            ``t_sc`` by the similarity of their nearest neighbours.
        whiten: Which of the galleries.
        temperature: Tried beside 1.
    """
    num_classes = folds[0].coarse_probs.shape[1]
    few = [n for n in TOPN if n < num_classes]
    topn = [*few, num_classes]
    tempers = sorted({1.0, round(temperature, 4)})
    if mode == 'kernel':
        return dict(
            topn=topn,
            topm=(10, 25, 50, 100),
            tau=(0.02, 0.05, 0.1, 0.2, 0.4),
            temperature=tempers,
            weight=(0.1, 0.3, 0.5, 0.7, 0.9),
        )
    if mode == 'prototypes':
        kappas = [float(2**power) for power in range(9)]
        return dict(topn=topn, temperature=tempers, kappa=kappas)
    nearest = torch.cat(
        [
            fold.galleries[whiten].search(fold.embeddings, 1).similarities
            for fold in folds
        ]
    )
    quantiles = nearest.double().quantile(torch.tensor(_QUANTILES).double())
    return dict(
        topn=few or topn,
        topm=(10, 50),
        t_sc=sorted(
            {0.0, *(round(max(0.0, q), 3) for q in quantiles.tolist())}
        ),
        gate=('per_class', 'top1'),
        alpha=(0.0, 1.0),
        t_sf=(0.3, 0.5, 0.7, 0.9, 1.0),
    )


def grid_hits(
    mode: str, folds: Sequence[HeldOut], whiten: str | None, grid: Grid
) -> Tensor:
    """Whether the re-ranked top-1 is right, for each setting and image.

    The same as a :class:`mmc2f.ReRankPostProcessor` for each setting, from
    the same functions, but what settings share is computed once.

    Args:
        mode: As above.
        folds: The images, whose predictions are pooled.
        whiten: Which of the galleries.
        grid: Values of each parameter of the mode.

    Returns:
        Bool, one axis for each parameter in the order of the grid, and the
        last for the images.
    """
    columns_of = {
        'paper': _paper_columns,
        'kernel': _kernel_columns,
        'prototypes': _prototype_columns,
    }[mode]
    pooled = []
    for fold in folds:
        probs = at_least_float32(fold.coarse_probs)
        order = coarse_order(probs)
        place_of_truth = (order == fold.labels[:, None]).int().argmax(dim=1)
        columns = columns_of(fold, probs, order, whiten, grid)
        pooled.append(torch.stack([c == place_of_truth for c in columns]))
    shape = [len(values) for values in grid.values()]
    return torch.cat(pooled, dim=1).reshape(*shape, -1)


def _paper_columns(
    fold: HeldOut,
    probs: Tensor,
    order: Tensor,
    whiten: str | None,
    grid: Grid,
) -> Iterator[Tensor]:
    """Place in coarse order of the class that each setting puts first."""
    found = fold.galleries[whiten].search(fold.embeddings, max(grid['topm']))
    for topn, topm, t_sc in product(grid['topn'], grid['topm'], grid['t_sc']):
        top = order[:, :topn]
        softmax = probs.gather(1, top)
        votes, is_voted = retrieval_votes(
            *_nearest(found, topm), top, t_sc, probs
        )
        for gate, alpha, t_sf in product(
            grid['gate'], grid['alpha'], grid['t_sf']
        ):
            mixed, is_open = mix_scores(softmax, votes, t_sf, alpha, 1.0, gate)
            yield _first(mixed, is_voted & is_open)


def _kernel_columns(
    fold: HeldOut,
    probs: Tensor,
    order: Tensor,
    whiten: str | None,
    grid: Grid,
) -> Iterator[Tensor]:
    found = fold.galleries[whiten].search(fold.embeddings, max(grid['topm']))
    for topn, topm, tau in product(grid['topn'], grid['topm'], grid['tau']):
        top = order[:, :topn]
        votes, is_voted = kernel_votes(*_nearest(found, topm), top, tau, probs)
        for temperature in grid['temperature']:
            softmax = temper(probs.gather(1, top), temperature)
            for weight in grid['weight']:
                mixed = (1 - weight) * softmax + weight * votes
                yield _first(mixed, is_voted)


def _prototype_columns(
    fold: HeldOut,
    probs: Tensor,
    order: Tensor,
    whiten: str | None,
    grid: Grid,
) -> Iterator[Tensor]:
    similarities = fold.galleries[whiten].class_similarities(fold.embeddings)
    for topn, temperature in product(grid['topn'], grid['temperature']):
        top = order[:, :topn]
        softmax = temper(probs.gather(1, top), temperature)
        for kappa in grid['kappa']:
            yield _first(
                *mix_prototypes(softmax, similarities.gather(1, top), kappa)
            )


def _nearest(found: Neighbours, topm: int) -> tuple[Tensor, Tensor]:
    return found.similarities[:, :topm], found.labels[:, :topm]


def _first(mixed: Tensor, is_open: Tensor) -> Tensor:
    """The best column; of equals the first, as in :func:`strict_order`."""
    return mixed.argmax(dim=1).masked_fill(~is_open[:, 0], 0)
