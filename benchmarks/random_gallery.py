"""A gallery, queries and softmax of random numbers, as large as a data set."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmc2f.retrieval import Gallery

__all__ = ['add_sizes', 'random_gallery']


def add_sizes(parser) -> None:
    """Options for the sizes; by default those of CUB-200-2011."""
    parser.add_argument('--queries', type=int, default=5794)
    parser.add_argument('--rows', type=int, default=5994)
    parser.add_argument('--dims', type=int, default=2560)


def random_gallery(sizes, classes: int) -> tuple[Gallery, Tensor, Tensor]:
    """Gallery, queries ``(Q, D)`` and their softmax ``(Q, C)``.

    Args:
        sizes: ``queries``, ``rows`` and ``dims``.
        classes: C; the rows take turns at them.
    """
    made = torch.Generator().manual_seed(0)
    rows = normalize(torch.randn(sizes.rows, sizes.dims, generator=made))
    queries = normalize(torch.randn(sizes.queries, sizes.dims, generator=made))
    logits = torch.randn(sizes.queries, classes, generator=made)
    gallery = Gallery()
    labels = torch.arange(sizes.rows) % classes
    gallery.fill(rows, labels, [str(i) for i in range(sizes.rows)], {})
    return gallery, queries, logits.softmax(dim=1)
