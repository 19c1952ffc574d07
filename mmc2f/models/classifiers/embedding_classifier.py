"""The classifier of MLPH, and any image classifier that can be re-ranked."""

from typing import Any

import torch
from mmengine.model import BaseModule
from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.registry import MODELS as HOST_MODELS
from mmpretrain.structures import DataSample
from torch import Tensor

from mmc2f.arguments import check_choice
from mmc2f.models.classifiers.rerankable import Rerankable
from mmc2f.models.derived_config import (
    FeatureChannels,
    build_part,
    channels_read,
)
from mmc2f.registry import MODELS

#: Pixels; the input of most pretrained networks.
DRY_RUN_SIZE = 224


@MODELS.register_module()
class EmbeddingClassifier(Rerankable, ImageClassifier):
    """MLPH's classifier: mmpretrain's ``ImageClassifier`` with embeddings.

    .. code-block:: text

        image ─► backbone ─► neck ─► embedding ─► head ─► softmax
                                         │                   │
                                         └► (re-ranker, when one is attached)

    By default the embedding is what the head's ``pre_logits`` passes to its
    last linear layer. The neck and the head make it MLPH:
    :class:`~mmc2f.models.TrilinearPoolingNeck` and
    :class:`~mmc2f.models.HierarchicalHead`. With a plain head it is any
    fine-tuned classifier that can be re-ranked, hence the general name.

    Args:
        backbone, neck, head: Configs, as of ``ImageClassifier``. Those of
            neck and head may leave out ``in_channels``, which then follow
            from the maps of the backbone, by a dry run on an image of 224
            pixels.
        num_classes: Classes of the head, where its config gives no number.
        tree: Label tree of the head, where it takes one and its config has
            none.
        embedding_source: What a gallery holds and is asked for:
            ``'pre_logits'``, what the last linear layer reads; ``'pooled'``,
            the neck's last output, before a head normalises it.
        **kwargs: Of ``ImageClassifier``.

    Raises:
        ValueError: Channels are not given and cannot be found, or
            ``embedding_source`` is neither.
    """

    def __init__(
        self,
        backbone: dict | BaseModule,
        neck: dict | BaseModule | None = None,
        head: dict | BaseModule | None = None,
        num_classes: int | None = None,
        tree=None,
        embedding_source: str = 'pre_logits',
        **kwargs,
    ) -> None:
        check_choice(
            'embedding_source', embedding_source, ('pre_logits', 'pooled')
        )
        if isinstance(backbone, dict):
            backbone = HOST_MODELS.build(backbone)
        maps = FeatureChannels(backbone, DRY_RUN_SIZE)
        pooling: Any = neck
        if isinstance(neck, dict):
            pooling = build_part(
                neck,
                HOST_MODELS,
                in_channels=lambda: channels_read(neck, maps),
            )
        if isinstance(head, dict):
            head = build_part(
                head,
                HOST_MODELS,
                num_classes=num_classes,
                tree=tree,
                in_channels=lambda: maps.pooled(pooling),
            )
        if isinstance(kwargs.get('data_preprocessor'), dict):
            # The host writes its defaults into it, but it is a part of the
            # config, by which a gallery is known.
            kwargs['data_preprocessor'] = dict(kwargs['data_preprocessor'])
        super().__init__(backbone, pooling, head, **kwargs)
        self.embedding_source = embedding_source

    def gallery_embedding(self, feats: tuple[Tensor, ...]) -> Tensor:
        """What a gallery holds and is asked for, ``(B, D)``, of features."""
        if self.embedding_source == 'pooled':
            return feats[-1]
        return self.head.pre_logits(feats)

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
        embeddings = self.gallery_embedding(feats)
        samples = self.head.predict(feats, data_samples, **kwargs)
        for sample, embedding in zip(samples, embeddings, strict=True):
            level_scores = sample.get('level_scores')
            sample.coarse_score = (
                sample.pred_score if level_scores is None else level_scores[0]
            )
            sample.embedding = embedding
        if self.reranker is not None:
            finest = [s for s in samples if s.get('level', 0) == 0]
            if finest:
                self.answer(
                    torch.stack([s.coarse_score for s in finest]),
                    torch.stack([s.embedding for s in finest]),
                    finest,
                )
        return samples
