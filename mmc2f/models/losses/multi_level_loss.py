"""Loss on two levels of classes, Eq. (1)-(4) of CCFR."""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmc2f.arguments import check_choice
from mmc2f.precision import at_least_float32
from mmc2f.registry import MODELS

__all__ = ['MultiLevelLoss', 'multi_level_loss']

ConstraintReduction = Literal['sum', 'mean', 'target']


def multi_level_loss(
    child_logits: Tensor,
    parent_logits: Tensor,
    child_labels: Tensor,
    parent_of: Tensor,
    lam: float = 1.0,
    constraint_reduction: ConstraintReduction = 'sum',
    label_smoothing: float = 0.0,
) -> dict[str, Tensor]:
    """Softmax loss on two levels with a constraint between, Eq. (1)-(4).

    With the child probabilities p_i, the super-class probabilities p_j (a
    softmax each) and y the class of the sample,

    * ``l1`` = -log p_y                                              (1)
    * ``l2`` = -log p_parent(y)                                      (2)
    * ``lh`` = max(0, mean of p_i over the children of j - p_j)      (3)
    * ``total`` = l1 + lam * l2 + lh                                 (4)

    each averaged over the batch. The paper leaves open over which super
    classes (3) goes; see ``constraint_reduction``.

    Computed in float32 at least. The values of labels and parents are looked
    at only on the CPU, where that costs no synchronisation; a CUDA kernel
    asserts on labels out of range, and a super class without a child makes
    ``lh`` NaN there.

    Args:
        child_logits: ``(B, C)``, B >= 1.
        parent_logits: ``(B, C_f)``.
        child_labels: ``(B,)`` int64 classes.
        parent_of: ``(C,)`` int64 super class of each child class.
        lam: lambda, weight of ``l2``.
        constraint_reduction: ``'sum'`` or ``'mean'`` of (3) over all super
            classes, or ``'target'``: of the sample's own super class alone.
        label_smoothing: Of both softmax losses, 0 <= value < 1.

    Returns:
        Scalars ``l1``, ``l2``, ``lh`` and ``total``.

    Raises:
        ValueError: When a shape, a label or a parent is wrong, or a super
            class has no child.
    """
    _check_reduction(constraint_reduction)
    _check_shapes(child_logits, parent_logits, child_labels, parent_of)
    if child_labels.device.type == 'cpu' and not torch.compiler.is_compiling():
        _check_range('child_labels', child_labels, child_logits.shape[1])
        _check_parents(parent_of, parent_logits.shape[1])
    child_logits = at_least_float32(child_logits)
    parent_logits = at_least_float32(parent_logits)
    parent_labels = parent_of[child_labels]
    l1 = F.cross_entropy(
        child_logits, child_labels, label_smoothing=label_smoothing
    )
    l2 = F.cross_entropy(
        parent_logits, parent_labels, label_smoothing=label_smoothing
    )
    excess = _constraint(child_logits, parent_logits, parent_of)
    if constraint_reduction == 'sum':
        lh = excess.sum(dim=1).mean()
    elif constraint_reduction == 'mean':
        lh = excess.mean()
    else:
        lh = excess.gather(1, parent_labels.unsqueeze(1)).mean()
    return {'l1': l1, 'l2': l2, 'lh': lh, 'total': l1 + lam * l2 + lh}


@MODELS.register_module()
class MultiLevelLoss(nn.Module):
    """Eq. (1)-(4) of CCFR, see :func:`multi_level_loss`.

    Args:
        lam: lambda, weight of the super-class loss.
        constraint_reduction: Of Eq. (3) over super classes: ``'sum'``,
            ``'mean'`` or ``'target'``.
        loss_weight: Multiplies every entry of the result, so that ``total``
            stays l1 + lam * l2 + lh.
        label_smoothing: Of both softmax losses.
    """

    def __init__(
        self,
        lam: float = 1.0,
        constraint_reduction: ConstraintReduction = 'sum',
        loss_weight: float = 1.0,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        _check_reduction(constraint_reduction)
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                f'label_smoothing must be from 0 to below 1, got '
                f'{label_smoothing}'
            )
        self.lam = lam
        self.constraint_reduction = constraint_reduction
        self.loss_weight = loss_weight
        self.label_smoothing = label_smoothing

    def forward(
        self,
        child_logits: Tensor,
        parent_logits: Tensor,
        child_labels: Tensor,
        parent_of: Tensor,
    ) -> dict[str, Tensor]:
        losses = multi_level_loss(
            child_logits,
            parent_logits,
            child_labels,
            parent_of,
            lam=self.lam,
            constraint_reduction=self.constraint_reduction,
            label_smoothing=self.label_smoothing,
        )
        return {name: self.loss_weight * x for name, x in losses.items()}

    def extra_repr(self) -> str:
        return (
            f'lam={self.lam}, '
            f'constraint_reduction={self.constraint_reduction!r}, '
            f'loss_weight={self.loss_weight}, '
            f'label_smoothing={self.label_smoothing}'
        )


def _constraint(
    child_logits: Tensor, parent_logits: Tensor, parent_of: Tensor
) -> Tensor:
    """Eq. (3) for every sample and super class: ``(B, C_f)``."""
    children = child_logits.softmax(dim=1)
    parents = parent_logits.softmax(dim=1)
    summed = torch.zeros_like(parents).index_add(1, parent_of, children)
    counts = parents.new_zeros(parents.shape[1]).index_add(
        0, parent_of, parents.new_ones(len(parent_of))
    )
    return F.relu(summed / counts - parents)


def _check_reduction(reduction: str) -> None:
    check_choice(
        'constraint_reduction', reduction, get_args(ConstraintReduction)
    )


def _check_shapes(
    child_logits: Tensor,
    parent_logits: Tensor,
    child_labels: Tensor,
    parent_of: Tensor,
) -> None:
    if child_logits.dim() != 2 or 0 in child_logits.shape:
        raise ValueError(
            f'child_logits must be (B, C) and not empty, got '
            f'{tuple(child_logits.shape)}'
        )
    batch, classes = child_logits.shape
    if parent_logits.dim() != 2 or len(parent_logits) != batch:
        raise ValueError(
            f'parent_logits must be ({batch}, C_f) to go with child_logits '
            f'{tuple(child_logits.shape)}, got {tuple(parent_logits.shape)}'
        )
    if child_labels.shape != (batch,):
        raise ValueError(
            f'child_labels must be ({batch},), got {tuple(child_labels.shape)}'
        )
    if parent_of.shape != (classes,):
        raise ValueError(
            f'parent_of must give the super class of each of {classes} child '
            f'classes, got shape {tuple(parent_of.shape)}: tree and head '
            f'differ'
        )


def _check_parents(parent_of: Tensor, parents: int) -> None:
    _check_range('parent_of', parent_of, parents)
    counts = torch.bincount(parent_of, minlength=parents)
    if bool((counts == 0).any()):
        raise ValueError(
            f'super class {int(counts.argmin())} of {parents} has no child '
            f'class: its mean child probability is not defined'
        )


def _check_range(name: str, indices: Tensor, count: int) -> None:
    wrong = (indices < 0) | (indices >= count)
    if bool(wrong.any()):
        row = int(wrong.nonzero()[0])
        raise ValueError(
            f'{name}[{row}] is {int(indices[row])}, must be from 0 to '
            f'{count - 1}'
        )
