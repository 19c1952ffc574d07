"""Answers sure images by the global pass alone."""

from collections.abc import Callable

import torch
from mmpretrain.models.heads import ClsHead
from mmpretrain.structures import DataSample
from torch import Tensor

from mmc2f.arguments import check_real
from mmc2f.models.classifiers.rerankable import Rerankable
from mmc2f.structures import Embedded

__all__ = ['Cascade']


class Cascade(Rerankable):
    """What :class:`~mmc2f.models.CCFR` does in a test.

    .. code-block:: text

        images ─► global pass ─► best probability >= threshold ─► the answer
                      │
                      └► below: regions, embedding, gallery ─► the answer

    An image that goes on gets the answer that it gets without a threshold;
    its maps are not computed anew. Those of a batch that go on are one batch.

    Attributes:
        cascade_threshold: Images go on whose best probability, by the child
            classifier of the global feature, is below it. None: all do.
    """

    # What the model brings.
    global_head: ClsHead
    global_maps: Callable[[Tensor], tuple[Tensor, ...]]
    pool: Callable[[tuple[Tensor, ...]], Tensor]
    embed_regions: Callable[[tuple[Tensor, ...], Tensor], Embedded]
    coarse_logits: Callable[[Embedded], Tensor]
    gallery_embedding: Callable[[Embedded], Tensor]

    cascade_threshold: float | None = None

    def attach_cascade(self, threshold: float | None) -> None:
        """End sure images early in predictions from now on; None: none.

        Raises:
            ValueError: The threshold is no number, or is negative.
        """
        if threshold is not None:
            check_real('threshold', threshold)
            if threshold < 0:
                raise ValueError(
                    'the threshold of a cascade is a probability, got '
                    f'{threshold}'
                )
        self.cascade_threshold = threshold

    def predict(
        self,
        inputs: Tensor,
        data_samples: list[DataSample] | None = None,
    ) -> list[DataSample]:
        """Predictions with their embedding and regions.

        Returns:
            Samples with ``pred_score (C,)`` and ``pred_label``,
            ``coarse_score (C,)``, ``global_score (C,)`` of the global pass,
            ``embedding (D,)``, ``regions (R, 4)`` in pixels of the input,
            ``region_scores (R,)`` and ``region_scales (R,)``, from 0; with a
            re-ranker also its neighbours. With a cascade also ``went_on``;
            where it is false, ``coarse_score`` is ``global_score``, and there
            are no embedding, regions and neighbours.
        """
        if data_samples is None:
            data_samples = [DataSample() for _ in inputs]
        maps = self.global_maps(inputs)
        probs = self.global_head((self.pool(maps),)).float().softmax(dim=1)
        for sample, scores in zip(data_samples, probs, strict=True):
            sample.global_score = scores
        if self.cascade_threshold is None:
            return self._answer_fully(maps, inputs, data_samples)
        goes_on = probs.amax(dim=1) < self.cascade_threshold
        for sample, is_unsure in zip(
            data_samples, goes_on.tolist(), strict=True
        ):
            sample.set_field(is_unsure, 'went_on')
            if not is_unsure:
                self._answer_early(sample)
        index = goes_on.nonzero().flatten()
        if len(index):
            self._answer_fully(
                tuple(part[index] for part in maps),
                inputs[index],
                [data_samples[i] for i in index.tolist()],
            )
        return data_samples

    def _answer_fully(
        self,
        maps: tuple[Tensor, ...],
        images: Tensor,
        data_samples: list[DataSample],
    ) -> list[DataSample]:
        embedded = self.embed_regions(maps, images)
        coarse = self.coarse_logits(embedded).float().softmax(dim=1)
        embeddings = self.gallery_embedding(embedded)
        self.answer(coarse, embeddings, data_samples)
        for i, sample in enumerate(data_samples):
            sample.regions = embedded.regions.boxes[i]
            sample.region_scores = embedded.regions.scores[i]
            sample.region_scales = embedded.regions.scale_ids
        return data_samples

    def _answer_early(self, sample: DataSample) -> None:
        scores = sample.global_score
        if self.reranker is not None:
            # Classes that only the gallery has, as in samples that go on.
            scores = self.reranker.pad(scores)
            sample.set_metainfo(dict(num_classes=len(scores)))
        sample.set_pred_score(scores)
        sample.set_pred_label(torch.argmax(scores, dim=0, keepdim=True))
        sample.coarse_score = scores
