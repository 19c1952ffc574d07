"""Classifiers that compare directions instead of products."""

import torch
import torch.nn.functional as F
from mmpretrain.models.heads import ClsHead, LinearClsHead
from torch import Tensor, nn

from mmc2f.registry import MODELS

__all__ = ['CosineClsHead', 'CosineLinear', 'copy_classifier', 'feature_norm']


class CosineLinear(nn.Module):
    """Logits ``scale * cos(x, w_c)``, as in NormFace (arXiv:1704.06369).

    Args:
        in_features: D.
        out_features: C classes.
        scale: Softmax needs logits beyond -1 ... 1 to be sure of a class.
            With p the probability that shall be reachable, the paper's lower
            bound is ``log((C - 1) * p / (1 - p))``: 9.9 for 200 classes and
            p = 0.99.

    Attributes:
        weight: ``(C, D)``; only the directions of the rows count.

    Raises:
        ValueError: The scale is not positive.
    """

    def __init__(
        self, in_features: int, out_features: int, scale: float = 16.0
    ) -> None:
        super().__init__()
        if not scale > 0:
            raise ValueError(f'scale must be positive, got {scale}')
        self.in_features = in_features
        self.out_features = out_features
        self.scale = scale
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        # Rows of length 1, whatever D: rates act on w / |w|^2.
        nn.init.normal_(self.weight, std=in_features**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Features ``(..., D)`` to logits ``(..., C)``."""
        cosine = F.linear(F.normalize(x, dim=-1), F.normalize(self.weight))
        return self.scale * cosine

    def extra_repr(self) -> str:
        return (
            f'in_features={self.in_features}, '
            f'out_features={self.out_features}, scale={self.scale}'
        )


def feature_norm(channels: int) -> nn.BatchNorm1d:
    """Batch normalisation in front of a cosine classifier (BNNeck).

    Pooled features are positive, so all their cosines are close to 1; the
    normalisation moves their mean to 0 and gives every channel the same
    weight (arXiv:1906.08332). It has no weights of its own: the classifier
    could absorb them.
    """
    return nn.BatchNorm1d(channels, affine=False)


@MODELS.register_module()
class CosineClsHead(LinearClsHead):
    """Batch normalisation, then a cosine classifier.

    What is classified is a direction, so the same feature serves retrieval
    by cosine similarity: ``pre_logits`` is the embedding.

    Args:
        num_classes: C.
        in_channels: D, length of the feature.
        scale: See :class:`CosineLinear`.
        **kwargs: ``loss``, ``topk`` and ``cal_acc`` of mmpretrain's heads.

    Raises:
        ValueError: No class, or a scale that is not positive.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        scale: float = 16.0,
        init_cfg: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(
            num_classes=num_classes,
            in_channels=in_channels,
            init_cfg=init_cfg,
            **kwargs,
        )
        self.norm = feature_norm(in_channels)
        self.fc = CosineLinear(in_channels, num_classes, scale)

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """The normalised feature ``(B, D)``."""
        return self.norm(feats[-1])


@torch.no_grad()
def copy_classifier(source: ClsHead, target: ClsHead) -> None:
    """Let the classifier of one head begin with what another has learned.

    Args:
        source: Head whose ``fc`` reads a feature ``(B, D)``.
        target: Head whose ``fc`` reads a feature ``(B, D + E)`` that begins
            with it; the weights of the other E entries become zero.

    Raises:
        ValueError: Other classes, a shorter feature, or a linear classifier
            beside a cosine one.
    """
    classes, length = source.fc.weight.shape
    fc = target.fc
    if fc.out_features != classes or fc.in_features < length:
        raise ValueError(
            f'a classifier of {fc.in_features} features and '
            f'{fc.out_features} classes cannot start from one of '
            f'{length} features and {classes} classes'
        )
    if isinstance(fc, CosineLinear) != isinstance(source.fc, CosineLinear):
        raise ValueError(
            f'{type(target).__name__} cannot start from '
            f'{type(source).__name__}: one classifies by cosines, the other '
            'by products; give both a scale, or neither'
        )
    fc.weight.zero_()
    fc.weight[:, :length] = source.fc.weight
    if isinstance(fc, CosineLinear):
        target.norm.running_mean[:length] = source.norm.running_mean
        target.norm.running_var[:length] = source.norm.running_var
    else:
        fc.bias.copy_(source.fc.bias)
