from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmc2f.registry import MODELS

__all__ = ['NavigatorRankingLoss', 'navigator_ranking_loss']

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
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
    quality = quality.detach()
    # [b, i, s]: s is the better of the two.
    ordered = quality.unsqueeze(1) > quality.unsqueeze(2)
    hinge = F.relu(margin - (scores.unsqueeze(1) - scores.unsqueeze(2)))
    per_image = hinge.masked_fill(~ordered, 0).sum(dim=(1, 2))
    if reduction == 'mean':
        per_image = per_image / ordered.sum(dim=(1, 2)).clamp(min=1)
    return per_image.mean().masked_fill(quality.isnan().any(), float('nan'))


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
    names = get_args(PairReduction)
    if reduction not in names:
        raise ValueError(
            f'reduction must be one of {names}, got {reduction!r}'
        )
