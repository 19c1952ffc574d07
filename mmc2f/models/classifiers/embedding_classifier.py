"""An image classifier whose answers retrieval can correct."""

import torch
from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor

from mmc2f.models.classifiers.rerankable import Rerankable
from mmc2f.registry import MODELS


@MODELS.register_module()
class EmbeddingClassifier(Rerankable, ImageClassifier):
    """mmpretrain's ``ImageClassifier`` with embeddings for re-ranking.

    .. code-block:: text

        image ─► backbone ─► neck ─► embedding ─► head ─► softmax
                                         │                   │
                                         └► (re-ranker, when one is attached)

    It takes the arguments of ``ImageClassifier``; the embedding is what the
    head's ``pre_logits`` hands to its last linear layer. With
    :class:`~mmc2f.models.TrilinearPoolingNeck` and
    :class:`~mmc2f.models.HierarchicalHead` it is MLPH; with a plain head, a
    fine-tune that can be re-ranked.
    """

    def predict(
        self,
        inputs: Tensor,
        data_samples: list[DataSample] | None = None,
        **kwargs,
    ) -> list[DataSample]:
        """Predictions with their embedding.

        Returns:
            What the head predicts, with ``coarse_score (C,)``, the softmax
            of the finest level, and ``embedding (D,)``. A re-ranker changes
            ``pred_score`` and ``pred_label`` of samples at the finest level,
            since the labels of its gallery are of that level, and adds its
            neighbours.
        """
        feats = self.extract_feat(inputs)
        embeddings = self.head.pre_logits(feats)
        samples = self.head.predict(feats, data_samples, **kwargs)
        for sample, embedding in zip(samples, embeddings, strict=True):
            level_scores = sample.get('level_scores')
            sample.coarse_score = (
                sample.pred_score if level_scores is None else level_scores[0]
            )
            sample.embedding = embedding
        if self.reranker is not None:
            self._rerank([s for s in samples if s.get('level', 0) == 0])
        return samples

    def _rerank(self, samples: list[DataSample]) -> None:
        if not samples:
            return
        coarse = torch.stack([s.coarse_score for s in samples])
        embeddings = torch.stack([s.embedding for s in samples])
        result = self.reranker(coarse, embeddings)
        for i, sample in enumerate(samples):
            scores = result.scores[i]
            sample.set_pred_score(scores)
            sample.set_pred_label(scores.argmax(dim=0, keepdim=True))
            self.reranker.annotate(sample, result, i)
