"""Triplet loss on cosine similarity, Eq. (5)-(6) of CCFR."""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmc2f.arguments import check_choice
from mmc2f.precision import unit_vectors
from mmc2f.registry import MODELS

__all__ = ['CosineTripletLoss', 'cosine_triplet_loss', 'mine_triplets']

Mining = Literal['batch_hard', 'batch_all']
Average = Literal['nonzero', 'all']
Triplets = tuple[Tensor, Tensor, Tensor]


def cosine_triplet_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float
) -> Tensor:
    """Hinge on cosine similarity, Eq. (5)-(6) of CCFR.

    Args:
        anchor, positive, negative: Embeddings x_A, x_P, x_N, each ``(T, D)``.
            They need not be normalised. The similarity to a zero vector is 0.
        margin: a, in units of cosine similarity, 0 < a <= 2.

    Returns:
        ``(T,)`` losses max(0, a - sim(x_A, x_P) + sim(x_A, x_N)), float32 at
        least. NaN in an embedding is NaN in the loss.

    Raises:
        ValueError: When the shapes differ or the margin is out of range.
    """
    _check_margin(margin)
    shapes = [tuple(x.shape) for x in (anchor, positive, negative)]
    if anchor.dim() != 2 or len(set(shapes)) != 1:
        raise ValueError(
            f'anchor, positive and negative must have one shape (T, D), got '
            f'{shapes[0]}, {shapes[1]} and {shapes[2]}'
        )
    direction = unit_vectors(anchor)
    return _hinge(
        (direction * unit_vectors(positive)).sum(dim=1),
        (direction * unit_vectors(negative)).sum(dim=1),
        margin,
    )


def mine_triplets(
    embeddings: Tensor, labels: Tensor, strategy: Mining = 'batch_hard'
) -> Triplets:
    """Finds the triplets of a batch.

    * ``'batch_hard'``: one triplet for each sample that has both another
      sample of its class and one of another class: the least similar of the
      former, the most similar of the latter, the first of equals. NaN counts
      as hardest, so that it is seen in the loss.
    * ``'batch_all'``: every valid triplet, ordered by (a, p, n). Takes B^3
      bytes.

    Args:
        embeddings: ``(B, D)``; they need not be normalised. No gradient is
            taken.
        labels: ``(B,)`` classes.
        strategy: ``'batch_hard'`` or ``'batch_all'``.

    Returns:
        Rows of anchors, positives and negatives, each ``(T,)`` int64. T is 0
        when the batch has one class only, or no class twice.

    Raises:
        ValueError: When a shape or the strategy is wrong.
    """
    check_choice('strategy', strategy, get_args(Mining))
    _check_batch(embeddings, labels)
    return _mine(_cosines(embeddings.detach()), labels, strategy)


@MODELS.register_module()
class CosineTripletLoss(nn.Module):
    """Mines triplets in a batch and averages :func:`cosine_triplet_loss`.

    A batch without a triplet has the loss 0 and the gradient 0. A NaN in an
    embedding makes the loss NaN, so that it is seen where it arises.

    Args:
        margin: a of Eq. (5), 0 < a <= 2.
        mining: Strategy of :func:`mine_triplets`.
        loss_weight: mu of Eq. (7).
        average: ``'nonzero'`` divides by the number of triplets whose loss
            is positive, ``'all'`` by the number of triplets. Most of all
            triplets soon have no loss and would dilute the rest, so the
            default is ``'nonzero'`` for ``'batch_all'`` and ``'all'`` for
            ``'batch_hard'``.
    """

    def __init__(
        self,
        margin: float = 0.3,
        mining: Mining = 'batch_hard',
        loss_weight: float = 1.0,
        average: Average | None = None,
    ) -> None:
        super().__init__()
        _check_margin(margin)
        check_choice('mining', mining, get_args(Mining))
        if average is None:
            average = 'nonzero' if mining == 'batch_all' else 'all'
        check_choice('average', average, get_args(Average))
        self.margin = margin
        self.mining = mining
        self.loss_weight = loss_weight
        self.average = average

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Loss of a batch.

        Args:
            embeddings: ``(B, D)``.
            labels: ``(B,)`` classes.

        Returns:
            Scalar, float32 at least.
        """
        _check_batch(embeddings, labels)
        # One matrix serves mining and loss: gathering the embeddings of all
        # triplets would take T * D numbers instead of B * B.
        cosines = _cosines(embeddings)
        a, p, n = _mine(cosines.detach(), labels, self.mining)
        if len(a) == 0:
            # Stays in the graph, and stays NaN where an embedding is.
            return 0 * cosines.sum()
        losses = _hinge(cosines[a, p], cosines[a, n], self.margin)
        if self.average == 'all':
            return self.loss_weight * losses.mean()
        count = (losses > 0).sum().clamp(min=1)
        return self.loss_weight * losses.sum() / count

    def extra_repr(self) -> str:
        return (
            f'margin={self.margin}, mining={self.mining!r}, '
            f'loss_weight={self.loss_weight}, average={self.average!r}'
        )


def _hinge(positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    """Eq. (5) in (6), of similarities."""
    return F.relu(margin - positive + negative)


def _cosines(embeddings: Tensor) -> Tensor:
    """``(B, B)``, in float32 also under autocast."""
    with torch.autocast(embeddings.device.type, enabled=False):
        directions = unit_vectors(embeddings)
        return directions @ directions.T


def _mine(cosines: Tensor, labels: Tensor, strategy: Mining) -> Triplets:
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    is_self = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    is_positive = same & ~is_self
    if strategy == 'batch_all':
        # [a, p, n]
        valid = is_positive.unsqueeze(2) & ~same.unsqueeze(1)
        anchors, positives, negatives = valid.nonzero(as_tuple=True)
        return anchors, positives, negatives
    has_both = is_positive.any(dim=1) & (~same).any(dim=1)
    anchors = has_both.nonzero().flatten()
    hardest_positive = cosines.masked_fill(~is_positive, torch.inf).argmin(1)
    hardest_negative = cosines.masked_fill(same, -torch.inf).argmax(1)
    return anchors, hardest_positive[anchors], hardest_negative[anchors]


def _check_margin(margin: float) -> None:
    if not 0 < margin <= 2:
        raise ValueError(
            f'margin must be above 0 and at most 2, in units of cosine '
            f'similarity, got {margin}'
        )


def _check_batch(embeddings: Tensor, labels: Tensor) -> None:
    if (
        embeddings.dim() != 2
        or len(embeddings) == 0
        or labels.shape != embeddings.shape[:1]
    ):
        raise ValueError(
            f'embeddings must be (B, D) and labels (B,), B >= 1, got '
            f'{tuple(embeddings.shape)} and {tuple(labels.shape)}'
        )
