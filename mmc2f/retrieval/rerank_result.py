from dataclasses import dataclass

from torch import Tensor

from mmc2f.retrieval.neighbours import Neighbours

__all__ = ['ReRankResult']


@dataclass(frozen=True)
class ReRankResult:
    """What re-ranking gives for a batch of B queries.

    Attributes:
        scores: Final class scores, ``(B, C)``, see
            :func:`mmc2f.retrieval.rerank`.
        neighbours: The retrieved gallery images.
        retrieval_scores: Class scores by retrieval alone, ``(B, C)``, see
            :func:`mmc2f.retrieval.retrieval_scores`.
    """

    scores: Tensor
    neighbours: Neighbours
    retrieval_scores: Tensor
