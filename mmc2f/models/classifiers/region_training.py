"""The losses of CCFR, of which each training stage chooses some."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpretrain.models.heads import ClsHead
from mmpretrain.structures import DataSample
from torch import Tensor

from mmc2f.models.heads.cosine_cls_head import copy_classifier
from mmc2f.models.heads.multi_level_head import hard_labels
from mmc2f.models.losses import region_triplet_margin
from mmc2f.structures import Embedded, Regions

__all__ = ['RegionTraining']


class RegionTraining:
    """What :class:`~mmc2f.models.CCFR` does in training.

    .. code-block:: text

        multi_level  global classifier, classes and super classes, Eq. (1)-(4)
        region       classifier of single regions
        ranking      a better region must score higher (NTS-Net)
        softmax      classifier of the embedding, Eq. (7)
        triplet      cosines of the embedding, Eq. (5)-(7)
    """

    # What the model brings: parts, settings and steps of its own.
    global_head: ClsHead
    region_head: ClsHead
    head: ClsHead
    navigator: BaseModule
    nms: BaseModule
    ranking_loss: BaseModule
    triplet_loss: BaseModule
    num_proposals: int
    num_random: int
    classify_random: bool
    ranking_target: str
    global_maps: Callable[[Tensor], tuple[Tensor, ...]]
    pool: Callable[[tuple[Tensor, ...]], Tensor]
    propose: Callable[..., Regions]
    local_maps: Callable[[Tensor, Regions], Tensor]
    join: Callable[[tuple[Tensor, ...], Tensor, Regions], Embedded]
    metric_embedding: Callable[[Embedded], Tensor]

    LOSSES = ('multi_level', 'region', 'ranking', 'softmax', 'triplet')

    def set_losses(self, names: tuple[str, ...]) -> None:
        """Choose the active losses.

        Raises:
            ValueError: A name is not of :attr:`LOSSES`, or there is none.
        """
        unknown = set(names) - set(self.LOSSES)
        if unknown or not names:
            raise ValueError(
                f'losses are a choice of {self.LOSSES}, got {tuple(names)}'
            )
        self.active_losses = frozenset(names)

    def warm_start(self, names: tuple[str, ...]) -> None:
        """Start classifiers from the global one, on the part they share.

        Args:
            names: Of ``'head'`` and ``'region_head'``.
        """
        for name in names:
            copy_classifier(self.global_head, getattr(self, name))

    def loss(
        self, inputs: Tensor, data_samples: list[DataSample]
    ) -> dict[str, Tensor]:
        """The active losses, each under the name ``loss_NAME``."""
        active = self.active_losses
        maps = self.global_maps(inputs)
        losses = {}
        if 'multi_level' in active:
            terms = self.global_head.loss((self.pool(maps),), data_samples)
            losses['loss_multi_level'] = terms.pop('loss')
            losses.update(terms)
        if active == {'multi_level'}:
            return losses

        labels = hard_labels(data_samples, inputs.device)
        ranks = bool(active & {'region', 'ranking'})
        topk = self.num_proposals if ranks else self.nms.topk
        num_random = self.num_random if 'ranking' in active else 0
        regions = self.propose(maps, inputs, topk, num_random)
        scales = self.navigator.anchor_generator.num_scales
        proposals = regions.num_regions - num_random * scales
        local_maps = self._training_maps(inputs, regions, proposals)
        fused = self.nms.leading_columns(proposals, scales)
        if ranks:
            classified = None if self.classify_random else proposals
            losses.update(
                self._region_losses(local_maps, regions, labels, classified)
            )
        if active & {'softmax', 'triplet'}:
            embedded = self.join(
                maps, local_maps[:, fused], regions.select(fused)
            )
            losses.update(self._joint_losses(embedded, data_samples, labels))
        return losses

    def _training_maps(
        self, images: Tensor, regions: Regions, proposals: int
    ) -> Tensor:
        """Local maps of proposals and random regions, ``(B, R, C, h, w)``.

        Those of random regions have no gradient where they are not
        classified.
        """
        if self.classify_random or proposals == regions.num_regions:
            return self.local_maps(images, regions)
        columns = list(range(regions.num_regions))
        chosen = regions.select(columns[:proposals])
        drawn = regions.select(columns[proposals:])
        with torch.no_grad():
            compared = self.local_maps(images, drawn)
        return torch.cat([self.local_maps(images, chosen), compared], dim=1)

    def _region_losses(
        self,
        local_maps: Tensor,
        regions: Regions,
        labels: Tensor,
        classified: int | None,
    ) -> dict[str, Tensor]:
        """Ranking loss over all regions, classification of the first ones."""
        feature = local_maps.mean(dim=(-2, -1))
        logits = self.region_head((feature.flatten(0, 1),))
        entropy = F.cross_entropy(
            logits.float(),
            labels.repeat_interleave(feature.shape[1]),
            reduction='none',
        ).unflatten(0, feature.shape[:2])
        losses = {}
        if 'region' in self.active_losses:
            losses['loss_region'] = entropy[:, :classified].mean()
        if 'ranking' in self.active_losses:
            quality = -entropy
            if self.ranking_target == 'triplet_margin':
                prototypes = self.region_head.fc.weight
                quality = region_triplet_margin(feature, prototypes, labels)
            losses['loss_ranking'] = self.ranking_loss(
                regions.scores, quality.detach()
            )
        return losses

    def _joint_losses(
        self, embedded: Embedded, data_samples: list, labels: Tensor
    ) -> dict[str, Tensor]:
        """Softmax + mu * triplet, Eq. (7); mu is the triplet's weight."""
        losses = {}
        if 'softmax' in self.active_losses:
            terms = self.head.loss((embedded.embedding,), data_samples)
            losses['loss_softmax'] = terms['loss']
        if 'triplet' in self.active_losses:
            losses['loss_triplet'] = self.triplet_loss(
                self.metric_embedding(embedded), labels
            )
        return losses
