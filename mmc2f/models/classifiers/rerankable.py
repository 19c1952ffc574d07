"""What a classifier needs for its answers to be re-ranked."""

from typing import Any

from mmpretrain.structures import DataSample
from torch import Tensor

__all__ = ['Rerankable']


class Rerankable:
    """A place for a re-ranker, which a hook fills for a test.

    Attributes:
        reranker: A callable ``(coarse probabilities (B, C), embeddings
            (B, D)) -> ReRankResult`` with methods ``annotate`` and, for a
            cascade, ``pad``, such as :class:`mmc2f.retrieval.ReRanker`; None
            where there is none.
    """

    reranker: Any = None

    def attach_reranker(self, reranker) -> None:
        """Re-rank the predictions from now on; None detaches."""
        self.reranker = reranker

    def answer(
        self,
        coarse: Tensor,
        embeddings: Tensor,
        data_samples: list[DataSample] | None = None,
    ) -> list[DataSample]:
        """Samples with the coarse answer, or the re-ranked one.

        Args:
            coarse: Probabilities ``(B, C)``.
            embeddings: ``(B, D)``, what the re-ranker compares.
            data_samples: Samples to fill in; new ones where there are none.

        Returns:
            Samples with ``pred_score (C,)``, ``pred_label``, ``coarse_score
            (C,)`` and ``embedding (D,)``; with a re-ranker also what it
            notes.
        """
        result = None
        if self.reranker is not None:
            result = self.reranker(coarse, embeddings)
        scores = coarse if result is None else result.scores
        if data_samples is None:
            data_samples = [DataSample() for _ in coarse]
        for i, sample in enumerate(data_samples):
            if result is not None:
                # More than the model's where the gallery has further classes.
                sample.set_metainfo(dict(num_classes=len(scores[i])))
            sample.set_pred_score(scores[i])
            sample.set_pred_label(scores[i].argmax(dim=0, keepdim=True))
            sample.coarse_score = coarse[i]
            sample.embedding = embeddings[i]
            if result is not None:
                self.reranker.annotate(sample, result, i)
        return data_samples
