"""What a classifier needs for its answers to be re-ranked."""

from typing import Any

__all__ = ['Rerankable']


class Rerankable:
    """A place for a re-ranker, which a hook fills for a test.

    Attributes:
        reranker: A callable ``(coarse probabilities (B, C), embeddings
            (B, D)) -> ReRankResult`` with a method ``annotate``, such as
            :class:`mmc2f.retrieval.ReRanker`; None where there is none.
    """

    reranker: Any = None

    def attach_reranker(self, reranker) -> None:
        """Re-rank the predictions from now on; None detaches."""
        self.reranker = reranker
