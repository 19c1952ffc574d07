from collections.abc import Mapping

import torch
from torch import Tensor

from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval.nearest_first import search_past_ties

__all__ = ['FaissIndex']


@TASK_UTILS.register_module()
class FaissIndex:
    """Inner-product search by a faiss index, on the CPU.

    ``Flat`` finds what :class:`ExactIndex` finds: equal similarities come
    in the order of their gallery index, lowest first, here too.

    Args:
        factory: String of ``faiss.index_factory``: ``'Flat'``,
            ``'IVF64,Flat'``, ``'HNSW32'``, ``'IVF64,PQ16'``, ... It is
            trained on the gallery where it needs training.
        params: Search parameters by their ``faiss.ParameterSpace`` names,
            such as ``dict(nprobe=8)`` or ``dict(efSearch=64)``.
    """

    def __init__(
        self, factory: str, params: Mapping[str, float] | None = None
    ) -> None:
        self.factory = factory
        self.params = dict(params or {})
        self._index = None

    def build(self, embeddings: Tensor) -> None:
        """Train the index on the rows ``(N, D)`` float32, and add them.

        Raises:
            ImportError: faiss is not installed.
            ValueError: faiss refuses the factory string for these rows or
                one of the search parameters.
        """
        faiss = _import_faiss()
        rows = embeddings.contiguous().cpu().numpy()
        try:
            index = faiss.index_factory(
                rows.shape[1], self.factory, faiss.METRIC_INNER_PRODUCT
            )
            if not index.is_trained:
                index.train(rows)
            index.add(rows)
            space = faiss.ParameterSpace()
            for name, value in self.params.items():
                space.set_index_parameter(index, name, value)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ValueError(
                f'faiss cannot build index {self.factory!r} with parameters '
                f'{self.params} for {rows.shape[0]} embeddings of '
                f'{rows.shape[1]} dimensions ({reason}). Use another factory '
                'string, or index=None for exact search.'
            ) from error
        self._index = index

    def search(self, queries: Tensor, topm: int) -> tuple[Tensor, Tensor]:
        """Find the rows of greatest inner product.

        Args:
            queries: ``(B, D)`` float32, finite.
            topm: How many to find.

        Returns:
            Similarities and gallery indices, each ``(B, topm)``, best first,
            on the device of the queries. Where an approximate index finds
            fewer, the rest has index -1 and similarity -inf.
        """
        if self._index is None:
            raise RuntimeError('FaissIndex is searched before it is built.')
        index = self._index
        rows = queries.contiguous().cpu().numpy()

        def search(width: int) -> tuple[Tensor, Tensor]:
            similarities, indices = map(
                torch.from_numpy, index.search(rows, width)
            )
            return similarities.masked_fill(indices < 0, -torch.inf), indices

        # faiss cuts ties at will.
        similarities, indices = search_past_ties(search, topm, index.ntotal)
        return similarities.to(queries.device), indices.to(queries.device)


def _import_faiss():
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            'FaissIndex needs faiss: run "pip install faiss-cpu", or use '
            'index=None for exact search.'
        ) from error
    return faiss
