"""The order of neighbours, which every way of searching gives alike."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ['merge_nearest', 'nearest_first', 'search_past_ties']


def nearest_first(
    similarities: Tensor, indices: Tensor, topm: int
) -> tuple[Tensor, Tensor]:
    """The ``topm`` nearest of what was found, equally near ones by index.

    Args:
        similarities: ``(B, m)``, in any order.
        indices: Rows of the gallery, ``(B, m)``, each once a query.
        topm: How many to keep, at most m.

    Returns:
        Similarities and indices, each ``(B, topm)``, best first.
    """
    # Two stable sorts: by index, then by similarity.
    by_index = indices.argsort(dim=1, stable=True)
    place = similarities.gather(1, by_index).argsort(
        dim=1, descending=True, stable=True
    )
    place = by_index.gather(1, place)[:, :topm]
    return similarities.gather(1, place), indices.gather(1, place)


def merge_nearest(
    found: Sequence[tuple[Tensor, Tensor]], starts: Sequence[int], topm: int
) -> tuple[Tensor, Tensor]:
    """What one search of all rows finds, from a search of each shard.

    Exact where each shard gives its own ``topm`` nearest in the order of
    :func:`nearest_first`: what is among the first of all is among the first
    of its shard.

    Args:
        found: Of each shard similarities and indices within it, ``(B, m)``,
            where m is ``topm`` or the size of the shard; index -1 and
            similarity -inf for nothing found.
        starts: Gallery row at which each shard begins.
        topm: How many to keep, at most all that were found.

    Returns:
        Similarities and gallery indices, each ``(B, topm)``.
    """
    similarities = torch.cat([values for values, _ in found], dim=1)
    indices = torch.cat(
        [
            torch.where(rows < 0, rows, rows + start)
            for (_, rows), start in zip(found, starts, strict=True)
        ],
        dim=1,
    )
    return nearest_first(similarities, indices, topm)


def search_past_ties(
    search: Callable[[int], tuple[Tensor, Tensor]],
    topm: int,
    num_rows: int,
    widest: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Search wider until no tie is cut, for engines that cut them at will.

    Args:
        search: Takes how many neighbours to find; gives similarities and
            indices ``(B, m)``, best first, index -1 and similarity -inf
            where it finds fewer.
        topm: How many are wanted, at most ``num_rows``.
        num_rows: Rows there are.
        widest: The most that the engine finds; more equal ones than that
            are cut as it likes.

    Returns:
        As :func:`nearest_first`.
    """
    most = num_rows if widest is None else min(num_rows, widest)
    width = min(topm + 1, most)
    while True:
        similarities, indices = search(width)
        is_cut = (similarities[:, topm - 1] == similarities[:, -1]) & (
            indices[:, -1] >= 0
        )
        if width == most or not is_cut.any():
            return nearest_first(similarities, indices, topm)
        width = min(2 * width, most)
