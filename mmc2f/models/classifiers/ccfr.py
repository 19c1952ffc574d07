"""Coarse classification and fine re-ranking: the pipeline of CCFR."""

from functools import partial

import torch
import torch.nn.functional as F
from mmpretrain.models.classifiers.base import BaseClassifier
from mmpretrain.structures import DataSample
from torch import Tensor

from mmc2f.arguments import check_choice
from mmc2f.models.classifiers.cascade import Cascade
from mmc2f.models.classifiers.region_training import RegionTraining
from mmc2f.models.derived_config import (
    FeatureChannels,
    build_part,
    channels_read,
)
from mmc2f.models.regions.anchor_set import draw_anchors
from mmc2f.registry import MODELS
from mmc2f.structures import Embedded, Regions


@MODELS.register_module()
class CCFR(RegionTraining, Cascade, BaseClassifier):
    """Classifier with weakly supervised local regions (CCFR).

    .. code-block:: text

        image ─► backbone ─► navigator ─► anchor scores
          │         │                         │
          │     pool to global       scale-separated NMS
          │         │                         │ boxes
          └─────────┼──────────► crop + resize ─► the same backbone
                    │                               │ local maps
                    ▼                               ▼
              embedding = concat(global,      fusion neck)
                    │
                    └► head ─► softmax ─► (re-ranker, when one is attached)

    Args:
        backbone: Returns a tuple of maps.
        global_head: :class:`~mmc2f.models.MultiLevelHead` on the pooled
            global feature.
        navigator: Scores the anchors.
        nms: Chooses regions from the scores.
        cropper: Cuts and resizes the regions.
        fusion: Joins the local maps; sets the length of the embedding.
        region_head: Classifier of single regions on their pooled map.
        head: Classifier of the embedding.
        neck: Pools the maps, as mmpretrain's necks do; the last of what it
            returns is the global feature.
        ranking_loss, triplet_loss: Configs of the losses.
        num_proposals: M per scale: regions of each scale the ranking loss
            compares (the first ``nms.topk`` of them are fused).
        num_random: Anchors of each scale, drawn at random, that join the
            comparison in training. The best regions of an image are much
            alike; without others the navigator never learns that background
            is worse.
        classify_random: Train the region classifier, and through it the
            backbone, on the random regions as well. False compares them
            only, which also saves their backward pass.
        global_size: Side in pixels that the image is reduced to for the
            global pass; regions are cut from the image as it came in. Boxes
            are in pixels of that one. None sends it through as it is.
        normalize_parts: Give the global and the local part of the embedding
            the same length when embeddings are compared, see
            :attr:`embedding_parts`.
        coarse_source: Where the coarse softmax comes from: ``'fused'`` the
            classifier of the embedding (the paper's Table 3), ``'global'``
            the child classifier of the global feature (its Fig. 2),
            ``'joined'`` the mean log probability of three voices: global
            classifier, classifier of the embedding, and the mean of the
            region classifier over the regions (NTS-Net).
        embedding_source: What is compared by cosine when images are looked
            up: ``'pre_logits'``, what the classifier of the embedding reads
            behind its batch normalisation, and the triplet loss too;
            ``'pooled'``, the embedding as it was pooled, whose entries are
            those of the last activation. A gallery that whitens normalises
            by itself, and roots want entries that are not negative.
        region_gate: ``'none'``, or ``'straight_through'``: each local map is
            multiplied by ``1 + s - stop_gradient(s)``, s the sigmoid of its
            anchor score. The value is unchanged, and the gradients of
            softmax and triplet loss reach the navigator.
        ranking_target: What orders the proposals: ``'confidence'``, the log
            probability of the true class (NTS-Net), or
            ``'triplet_margin'``, the region's similarity to its class minus
            that to the nearest other class, with the rows of the region
            classifier as class prototypes.
        losses: Losses that are active, of :attr:`LOSSES`. Training stages
            change them.
        num_classes: Classes of every head whose config gives no number.
        tree: Label tree of the global head, where its config has none; see
            :class:`~mmc2f.models.MultiLevelHead`.

    The configs of neck, navigator, fusion and heads may leave out their
    ``in_channels``, and fusion its numbers of scales and of regions: they
    follow from the backbone, by a dry run on an image of ``cropper.size``,
    from the neck, the anchors and the NMS.

    Raises:
        ValueError: An unknown choice, fewer proposals than are fused, or
            channels that are not given and cannot be found.
    """

    def __init__(
        self,
        backbone: dict,
        global_head: dict,
        navigator: dict,
        nms: dict,
        cropper: dict,
        fusion: dict,
        region_head: dict,
        head: dict,
        neck: dict = dict(type='mmpretrain.GlobalAveragePooling'),  # noqa: B006
        ranking_loss: dict = dict(type='mmc2f.NavigatorRankingLoss'),  # noqa: B006
        triplet_loss: dict = dict(type='mmc2f.CosineTripletLoss'),  # noqa: B006
        num_proposals: int = 3,
        num_random: int = 0,
        classify_random: bool = True,
        global_size: int | None = None,
        normalize_parts: bool = False,
        coarse_source: str = 'fused',
        embedding_source: str = 'pre_logits',
        region_gate: str = 'none',
        ranking_target: str = 'confidence',
        losses: tuple[str, ...] = RegionTraining.LOSSES,
        num_classes: int | None = None,
        tree=None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        preprocessor = dict(data_preprocessor or {})
        preprocessor.setdefault('type', 'mmpretrain.ClsDataPreprocessor')
        super().__init__(init_cfg=init_cfg, data_preprocessor=preprocessor)
        check_choice(
            'coarse_source', coarse_source, ('fused', 'global', 'joined')
        )
        check_choice(
            'embedding_source', embedding_source, ('pre_logits', 'pooled')
        )
        check_choice('region_gate', region_gate, ('none', 'straight_through'))
        check_choice(
            'ranking_target', ranking_target, ('confidence', 'triplet_margin')
        )
        self.coarse_source = coarse_source
        self.embedding_source = embedding_source
        self.region_gate = region_gate
        self.ranking_target = ranking_target
        self.num_proposals = num_proposals
        self.num_random = num_random
        self.classify_random = classify_random
        self.global_size = global_size
        self.normalize_parts = normalize_parts
        part = partial(build_part, registry=MODELS, num_classes=num_classes)
        self.nms = part(nms)
        self.cropper = part(cropper)
        self.backbone = MODELS.build(backbone)
        maps = FeatureChannels(self.backbone, self.cropper.size)
        self.neck = part(neck, in_channels=lambda: channels_read(neck, maps))
        self.global_head = part(
            global_head,
            tree=tree,
            in_channels=lambda: maps.pooled(self.neck),
        )
        self.navigator = part(
            navigator, in_channels=lambda: channels_read(navigator, maps)
        )
        self.fusion = part(
            fusion,
            in_channels=lambda: maps.last,
            num_scales=lambda: self.navigator.anchor_generator.num_scales,
            regions_per_scale=lambda: self.nms.topk,
        )
        self.region_head = part(region_head, in_channels=lambda: maps.last)
        self.head = part(
            head,
            in_channels=lambda: (
                maps.pooled(self.neck) + self.fusion.out_features
            ),
        )
        self.ranking_loss = MODELS.build(ranking_loss)
        self.triplet_loss = MODELS.build(triplet_loss)
        self.set_losses(losses)
        if num_proposals < self.nms.topk:
            raise ValueError(
                f'num_proposals ({num_proposals}) is less than nms.topk '
                f'({self.nms.topk}): the fused regions are the first of the '
                'proposals'
            )

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[DataSample] | None = None,
        mode: str = 'tensor',
    ):
        """Coarse logits ``(B, C)``, a dict of losses, or predictions."""
        if mode == 'tensor':
            return self.coarse_logits(self.embed(inputs))
        if mode == 'loss':
            return self.loss(inputs, data_samples or [])
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        raise RuntimeError(f'Invalid mode "{mode}".')

    def embed(self, images: Tensor) -> Embedded:
        """Images ``(B, 3, H, W)`` to embeddings: the picture above."""
        return self.embed_regions(self.global_maps(images), images)

    def embed_regions(
        self, maps: tuple[Tensor, ...], images: Tensor
    ) -> Embedded:
        """What follows the global pass, whose maps are given."""
        regions = self.propose(maps, images, self.nms.topk)
        local_maps = self.local_maps(images, regions)
        return self.join(maps, local_maps, regions)

    def global_maps(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps of the whole images, reduced to ``global_size``."""
        if self.global_size is not None:
            images = F.interpolate(
                images,
                size=(self.global_size, self.global_size),
                mode='bilinear',
                antialias=True,
            )
        return self.backbone(images)

    def propose(
        self,
        maps: tuple[Tensor, ...],
        images: Tensor,
        topk: int,
        num_random: int = 0,
    ) -> Regions:
        """The best ``topk`` regions of each scale, best first.

        Returns:
            Regions with boxes in pixels of ``images``. With ``num_random``
            in training, so many random ones of each scale follow after all
            of the best.
        """
        scores, anchors = self.navigator.score_anchors(
            maps, tuple(images.shape[-2:])
        )
        index = self.nms(scores.detach(), anchors, topk)
        groups = self.nms.groups(anchors, index)
        if num_random:
            drawn = draw_anchors(anchors, len(index), num_random)
            index = torch.cat([index, drawn], dim=1)
            scale_ids = torch.arange(anchors.num_scales, device=index.device)
            groups = torch.cat(
                [groups, scale_ids.repeat_interleave(num_random)]
            )
        return Regions(
            boxes=anchors.boxes[index],
            scores=scores.gather(1, index),
            anchor_index=index,
            scale_ids=groups,
        )

    def local_maps(self, images: Tensor, regions: Regions) -> Tensor:
        """Last maps of the cropped regions, ``(B, R, C, h, w)``."""
        crops = self.cropper(images, regions.boxes)
        maps = self.backbone(crops)[-1]
        return maps.unflatten(0, regions.scores.shape)

    def join(
        self, maps: tuple[Tensor, ...], local_maps: Tensor, regions: Regions
    ) -> Embedded:
        """Embedding = concat(global, fused local)."""
        global_feature = self.pool(maps)
        if self.region_gate == 'straight_through':
            gate = regions.scores.sigmoid()
            # In brackets it is exactly 0, in every precision.
            gate = 1 + (gate - gate.detach())
            local_maps = local_maps * gate[..., None, None, None]
        fused = self.fusion(local_maps)
        embedding = torch.cat([global_feature, fused], dim=1)
        local_features = local_maps.mean(dim=(-2, -1))
        return Embedded(global_feature, embedding, regions, local_features)

    def pool(self, maps: tuple[Tensor, ...]) -> Tensor:
        """Global feature ``(B, Dg)``."""
        return self.neck(maps)[-1]

    def coarse_logits(self, embedded: Embedded) -> Tensor:
        """Logits ``(B, C)`` of the coarse classification.

        While a stage does not train the classifier of the embedding, the
        global one answers, so that validation in an early stage means
        something.
        """
        trained = 'softmax' in self.active_losses
        if self.coarse_source == 'global' or not trained:
            return self.global_head((embedded.global_feature,))
        logits = self.head((embedded.embedding,))
        if self.coarse_source == 'fused':
            return logits
        regions = embedded.local_features
        voices = (
            self.global_head((embedded.global_feature,)),
            logits,
            self.region_head((regions.flatten(0, 1),)),
        )
        whole, fused, local = (v.float().log_softmax(dim=1) for v in voices)
        local = local.unflatten(0, regions.shape[:2]).mean(dim=1)
        return (whole + fused + local) / 3

    @property
    def embedding_parts(self) -> tuple[int, ...] | None:
        """Lengths of what a gallery normalises by itself; None: the whole."""
        if not self.normalize_parts:
            return None
        local = self.fusion.out_features
        return self.head.in_channels - local, local

    def metric_embedding(self, embedded: Embedded) -> Tensor:
        """What the triplet loss compares, ``(B, D)``: the last feature."""
        return self.head.pre_logits((embedded.embedding,))

    def gallery_embedding(self, embedded: Embedded) -> Tensor:
        """What a gallery holds and is asked for, ``(B, D)``."""
        if self.embedding_source == 'pooled':
            return embedded.embedding
        return self.metric_embedding(embedded)

    def extract_feat(self, inputs: Tensor, stage: str = 'neck'):
        """Features, with the stages of mmpretrain's classifiers.

        Returns:
            ``'backbone'``: the maps; ``'neck'``: ``(global feature,)``;
            ``'pre_logits'``: the embedding ``(B, D)``.
        """
        check_choice('stage', stage, ('backbone', 'neck', 'pre_logits'))
        if stage == 'pre_logits':
            return self.metric_embedding(self.embed(inputs))
        maps = self.global_maps(inputs)
        return maps if stage == 'backbone' else (self.pool(maps),)
