"""Ranking loss of the navigator, and a target for it, Section 3.2 of CCFR."""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmc2f.arguments import check_choice
from mmc2f.precision import at_least_float32, unit_vectors
from mmc2f.registry import MODELS

__all__ = [
    'NavigatorRankingLoss',
    'navigator_ranking_loss',
    'region_triplet_margin',
]

PairReduction = Literal['sum', 'mean']


def navigator_ranking_loss(
    scores: Tensor,
    quality: Tensor,
    margin: float = 1.0,
    reduction: PairReduction = 'sum',
) -> Tensor:
    """Makes a region of higher quality score higher, NTS-Net ([38] of CCFR).

    With the scores I and the qualities C of the M proposals of an image,

        sum over (i, s) with C_s > C_i of max(0, margin - (I_s - I_i)),

    averaged over the images. The quality is a target and gets no gradient.
    Proposals of equal quality make no pair. NaN anywhere in the quality makes
    the loss NaN, instead of quietly dropping the pairs.

    Args:
        scores: I, ``(B, M)`` of the navigator.
        quality: C, ``(B, M)``: class confidence or triplet margin of each
            region. Only its order matters.
        margin: Wanted distance of scores, > 0.
        reduction: ``'sum'`` over the pairs of an image, as in NTS-Net, grows
            with M^2; ``'mean'`` divides by the number of pairs of the image
            and does not. An image without a pair counts as 0 in both.

    Returns:
        Scalar, float32 at least.

    Raises:
        ValueError: When a shape or an argument is wrong.
    """
    _check_arguments(margin, reduction)
    if scores.dim() != 2 or 0 in scores.shape or scores.shape != quality.shape:
        raise ValueError(
            f'scores and quality must both be (B, M) and not empty, got '
            f'{tuple(scores.shape)} and {tuple(quality.shape)}'
        )
    scores = at_least_float32(scores)
    quality = quality.detach()
    # [b, i, s]: s is the better of the two.
    ordered = quality.unsqueeze(1) > quality.unsqueeze(2)
    hinge = F.relu(margin - (scores.unsqueeze(1) - scores.unsqueeze(2)))
    per_image = hinge.masked_fill(~ordered, 0).sum(dim=(1, 2))
    if reduction == 'mean':
        per_image = per_image / ordered.sum(dim=(1, 2)).clamp(min=1)
    return per_image.mean().masked_fill(quality.isnan().any(), float('nan'))


def region_triplet_margin(
    features: Tensor, prototypes: Tensor, labels: Tensor
) -> Tensor:
    """How well a region tells its class from the nearest other class.

    The term sim(x_A, x_P) - sim(x_A, x_N) of CCFR's Eq. (5), with a prototype
    of each class in the place of the samples x_P and x_N. As the target of
    the ranking loss it lets the triplet decide which regions are chosen.

    Args:
        features: ``(B, M, D)`` of M regions per image.
        prototypes: ``(C, D)``, one vector per class, C >= 2.
        labels: ``(B,)`` int64 classes of the images.

    Returns:
        ``(B, M)`` cosine similarity to the prototype of the own class minus
        the greatest to that of another, from -2 to 2, float32 at least.

    Raises:
        ValueError: When a shape is wrong or there is one class only.
    """
    _check_shapes(features, prototypes, labels)
    with torch.autocast(features.device.type, enabled=False):
        cosines = unit_vectors(features) @ unit_vectors(prototypes).T
    index = labels.view(-1, 1, 1).expand(-1, cosines.shape[1], 1)
    own = cosines.gather(2, index)
    others = cosines.scatter(2, index, -torch.inf)
    return own.squeeze(2) - others.amax(dim=2)


@MODELS.register_module()
class NavigatorRankingLoss(nn.Module):
    """Pairwise ranking of regions, see :func:`navigator_ranking_loss`.

    Args:
        margin: Wanted distance of scores.
        loss_weight: Multiplies the loss.
        reduction: ``'sum'`` or ``'mean'`` over the pairs of an image.
    """

    def __init__(
        self,
        margin: float = 1.0,
        loss_weight: float = 1.0,
        reduction: PairReduction = 'sum',
    ) -> None:
        super().__init__()
        _check_arguments(margin, reduction)
        self.margin = margin
        self.loss_weight = loss_weight
        self.reduction = reduction

    def forward(self, scores: Tensor, quality: Tensor) -> Tensor:
        return self.loss_weight * navigator_ranking_loss(
            scores, quality, margin=self.margin, reduction=self.reduction
        )

    def extra_repr(self) -> str:
        return (
            f'margin={self.margin}, loss_weight={self.loss_weight}, '
            f'reduction={self.reduction!r}'
        )


def _check_arguments(margin: float, reduction: str) -> None:
    if not margin > 0:
        raise ValueError(f'margin must be positive, got {margin}')
    check_choice('reduction', reduction, get_args(PairReduction))


def _check_shapes(
    features: Tensor, prototypes: Tensor, labels: Tensor
) -> None:
    if features.dim() != 3 or labels.shape != features.shape[:1]:
        raise ValueError(
            f'features must be (B, M, D) and labels (B,), got '
            f'{tuple(features.shape)} and {tuple(labels.shape)}'
        )
    if prototypes.dim() != 2 or prototypes.shape[1] != features.shape[2]:
        raise ValueError(
            f'prototypes must be (C, {features.shape[2]}) to go with '
            f'features {tuple(features.shape)}, got {tuple(prototypes.shape)}'
        )
    if len(prototypes) < 2:
        raise ValueError(
            'region_triplet_margin needs at least 2 classes, got '
            f'{len(prototypes)}: there is no other class to compare with'
        )
