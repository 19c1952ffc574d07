"""Search of rows that several processes hold, each an index of its own."""

from typing import Any

import torch
from mmengine.dist import all_gather_object, get_rank
from torch import Tensor

from mmc2f.retrieval.nearest_first import merge_nearest

__all__ = ['ProcessShards']


class ProcessShards:
    """Inner-product search of the rows of all processes of the group.

    Every process asks for its own queries at the same time: all queries go
    to all processes, each searches its rows, and the nearest of all are
    merged. So every process has to search as often as the others; a sampler
    that gives each process as many batches sees to that (MMEngine's
    ``DefaultSampler`` with ``round_up``, its default).

    Args:
        index: Of the rows of this process.

    Attributes:
        rows: Of this process, in the order of the gallery, ``(n, D)``
            float32.
        owner: Rank that holds each row of the gallery, ``(N,)`` int32.
    """

    def __init__(self, index: Any) -> None:
        self.index = index
        self.rows = torch.empty(0, 0)
        self.owner = torch.empty(0, dtype=torch.int32)
        self._places = torch.empty(0, dtype=torch.long)

    def build(self, embeddings: Tensor) -> None:
        """Index the rows of this process.

        Args:
            embeddings: Of the gallery; only their number is looked at.

        Raises:
            ImportError, ValueError: As the index.
        """
        assert len(embeddings) == len(self.owner)
        self._places = (self.owner == get_rank()).nonzero().flatten()
        assert len(self._places) == len(self.rows)
        if len(self.rows):
            self.index.build(self.rows)

    def search(self, queries: Tensor, topm: int) -> tuple[Tensor, Tensor]:
        """Find the rows of greatest inner product, together with the others.

        Args:
            queries: Of this process, ``(B, D)`` float32, finite.
            topm: How many to find, at most N, the same in all processes.

        Returns:
            Similarities and gallery indices, each ``(B, topm)``, best first.
        """
        asked = all_gather_object(queries.cpu())
        # Where the rows are searched is for the device of the queries to say.
        found = self._search_own(torch.cat(asked).to(queries.device), topm)
        start = sum(len(share) for share in asked[: get_rank()])
        mine = slice(start, start + len(queries))
        answers = [
            (similarities[mine], indices[mine])
            for similarities, indices in all_gather_object(found)
        ]
        starts = [0] * len(answers)
        similarities, indices = merge_nearest(answers, starts, topm)
        return similarities.to(queries.device), indices.to(queries.device)

    def _search_own(
        self, queries: Tensor, topm: int
    ) -> tuple[Tensor, Tensor]:
        """The nearest of this process, by their rows in the gallery."""
        count = min(topm, len(self.rows)) if len(queries) else 0
        if not count:
            shape = len(queries), 0
            return torch.empty(shape), torch.empty(shape, dtype=torch.long)
        similarities, rows = self.index.search(queries, count)
        similarities, rows = similarities.cpu(), rows.cpu()
        places = self._places[rows.clamp(min=0)]
        return similarities, places.masked_fill(rows < 0, -1)
