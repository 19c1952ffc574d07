"""Search of rows that are split over several indices."""

from collections.abc import Mapping

from torch import Tensor

from mmc2f.arguments import check_whole
from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval.exact_index import ExactIndex
from mmc2f.retrieval.faiss_index import FaissIndex
from mmc2f.retrieval.nearest_first import merge_nearest

__all__ = ['ShardedIndex', 'build_index']


@TASK_UTILS.register_module()
class ShardedIndex:
    """Inner-product search in shards, whose nearest are merged.

    Finds what one index of all rows finds, equal similarities in the order
    of their gallery index too, if the index of a shard does; an index that
    trains, such as ``'IVF64,PQ16'``, trains on the rows of its shard.

    Args:
        shard_size: Rows in a shard; the last one may have fewer.
        index: Of a shard: ``None`` for exact search, a faiss index-factory
            string, or a config.
    """

    def __init__(
        self, shard_size: int = 1_000_000, index: str | Mapping | None = None
    ) -> None:
        check_whole('shard_size', shard_size)
        self.shard_size = shard_size
        self.index = index
        self._shards: list[ExactIndex | FaissIndex] = []
        self._sizes: list[int] = []

    def build(self, embeddings: Tensor) -> None:
        """Take the rows to search in, ``(N, D)`` float32.

        Raises:
            ImportError, ValueError: As the index of a shard.
        """
        self._shards, self._sizes = [], []
        for rows in embeddings.split(self.shard_size):
            shard = build_index(self.index)
            shard.build(rows)
            self._shards.append(shard)
            self._sizes.append(len(rows))

    def search(self, queries: Tensor, topm: int) -> tuple[Tensor, Tensor]:
        """Find the rows of greatest inner product.

        Args:
            queries: ``(B, D)`` float32, finite.
            topm: How many to find, at most N.

        Returns:
            Similarities and gallery indices, each ``(B, topm)``, best first.
        """
        if not self._shards:
            raise RuntimeError('ShardedIndex is searched before it is built.')
        found = [
            shard.search(queries, min(topm, size))
            for shard, size in zip(self._shards, self._sizes, strict=True)
        ]
        starts = [self.shard_size * place for place in range(len(found))]
        return merge_nearest(found, starts, topm)


def build_index(
    index: str | Mapping | None, chunk_size: int = 8192
) -> ExactIndex | FaissIndex:
    """An index from the argument of a gallery or of a sharded index.

    Args:
        index: ``None`` for exact search, a faiss index-factory string, or a
            config.
        chunk_size: Of exact search.
    """
    if index is None:
        return ExactIndex(chunk_size)
    if isinstance(index, str):
        return FaissIndex(index)
    return TASK_UTILS.build(dict(index))
