import torch
from torch import Tensor

from mmc2f.arguments import check_whole
from mmc2f.registry import TASK_UTILS

__all__ = ['ExactIndex']

_INDEX_BITS = 32
_INDEX_MASK = (1 << _INDEX_BITS) - 1


@TASK_UTILS.register_module()
class ExactIndex:
    """Exact inner-product search by a chunked matrix product.

    Similarities of a block of queries with a block of the gallery are
    computed at a time and folded into a running top m, so memory is bounded
    by the blocks and not by B x N. Equal similarities come in the order of
    their gallery index, lowest first.

    Args:
        chunk_size: Gallery rows in a block.
        query_chunk_size: Queries in a block.
    """

    def __init__(
        self, chunk_size: int = 8192, query_chunk_size: int = 256
    ) -> None:
        check_whole('chunk_size', chunk_size)
        check_whole('query_chunk_size', query_chunk_size)
        self.chunk_size = chunk_size
        self.query_chunk_size = query_chunk_size
        self._embeddings = torch.empty(0, 0)

    def build(self, embeddings: Tensor) -> None:
        """Take the rows to search in, ``(N, D)`` float32."""
        self._embeddings = embeddings

    @torch.no_grad()
    def search(self, queries: Tensor, topm: int) -> tuple[Tensor, Tensor]:
        """Find the rows of greatest inner product.

        The rows move to the device of the queries, and stay there.

        Args:
            queries: ``(B, D)`` float32, finite.
            topm: How many to find, at most N.

        Returns:
            Similarities and gallery indices, each ``(B, topm)``, best first.
        """
        if self._embeddings.device != queries.device:
            self._embeddings = self._embeddings.to(queries.device)
        # Half-precision products would merge neighbours that differ.
        with torch.autocast(queries.device.type, enabled=False):
            blocks = [
                self._search_block(block, topm)
                for block in queries.split(self.query_chunk_size)
            ]
        return _decode(torch.cat(blocks))

    def _search_block(self, queries: Tensor, topm: int) -> Tensor:
        best = torch.empty(
            len(queries), 0, dtype=torch.long, device=queries.device
        )
        start = 0
        for rows in self._embeddings.split(self.chunk_size):
            keys = _encode(queries @ rows.T, start)
            best = torch.cat([best, keys], dim=1)
            best = best.topk(min(topm, best.shape[1]), dim=1).values
            start += len(rows)
        return best


def _encode(similarities: Tensor, start: int) -> Tensor:
    """Pack (similarity, gallery index) in one int64 of the same order.

    ``topk`` promises nothing about ties; keys that never tie make its answer
    unique. The upper half holds the float's bits, which order as integers
    once those of negative floats are turned round; the lower half holds the
    index, inverted, so that the lower index is the greater key.
    """
    # Adding 0 turns -0.0, whose bits differ, into 0.0.
    bits = (similarities + 0.0).view(torch.int32)
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    index = torch.arange(
        start, start + similarities.shape[1], device=similarities.device
    )
    return (ordered.long() << _INDEX_BITS) | (_INDEX_MASK - index)


def _decode(keys: Tensor) -> tuple[Tensor, Tensor]:
    """Undo :func:`_encode`."""
    ordered = (keys >> _INDEX_BITS).int()
    bits = ordered ^ ((ordered >> 31) & 0x7FFFFFFF)
    return bits.view(torch.float32), _INDEX_MASK - (keys & _INDEX_MASK)
