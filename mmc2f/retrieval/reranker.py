"""A post-processor and a gallery, bound together for a model."""

import time

import torch
from mmpretrain.structures import DataSample
from torch import Tensor

from mmc2f.retrieval.gallery import Gallery
from mmc2f.retrieval.rerank_post_processor import ReRankPostProcessor
from mmc2f.retrieval.rerank_result import ReRankResult

__all__ = ['ReRanker']


class ReRanker:
    """What a model's predictions are handed to: search, re-rank, note down.

    Args:
        post_processor: The re-ranking.
        gallery: What it searches.

    Attributes:
        seconds: Time spent in searching and re-ranking so far.
    """

    def __init__(
        self, post_processor: ReRankPostProcessor, gallery: Gallery
    ) -> None:
        self.post_processor = post_processor
        self.gallery = gallery
        self.seconds = 0.0

    def __call__(self, coarse_probs: Tensor, embeddings: Tensor):
        """Re-rank probabilities ``(B, C)`` by embeddings ``(B, D)``."""
        _wait_for(coarse_probs)
        start = time.perf_counter()
        result = self.post_processor(coarse_probs, embeddings, self.gallery)
        _wait_for(result.scores)
        self.seconds += time.perf_counter() - start
        return result

    def annotate(
        self, sample: DataSample, result: ReRankResult, row: int
    ) -> None:
        """Put the neighbours and the retrieval score on a sample."""
        neighbours = result.neighbours
        indices = neighbours.indices[row]
        sample.retrieval_score = result.retrieval_scores[row]
        sample.neighbour_labels = neighbours.labels[row]
        sample.neighbour_similarities = neighbours.similarities[row]
        sample.neighbour_indices = indices
        sample.neighbour_ids = [
            self.gallery.image_ids[i] if i >= 0 else None
            for i in indices.tolist()
        ]


def _wait_for(tensor: Tensor) -> None:
    """CUDA works in the background; a clock must not run ahead of it."""
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)
