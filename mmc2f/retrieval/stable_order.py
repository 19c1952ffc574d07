"""The order of scores, best first, without PyTorch's slow sort of rows."""

import numpy as np
import torch
from torch import Tensor

__all__ = ['stable_order']

_INDEX_BITS = 32
_INDEX_MASK = 2**_INDEX_BITS - 1


def stable_order(scores: Tensor) -> Tensor:
    """Columns of each row, best first, equals by the lower column.

    The same as a stable, descending ``argsort``: NaN comes first, and 0 and
    -0 are equal. On a CPU that takes nine tenths of a re-ranking, so scores
    of float32 that are not negative, as of a softmax, are sorted there as
    whole numbers, which NumPy does in a tenth of the time.

    Args:
        scores: ``(B, C)``.

    Returns:
        ``(B, C)``, int64.
    """
    if _can_pack(scores):
        return _order_of_packed(scores.detach())
    return scores.argsort(dim=1, descending=True, stable=True)


def _can_pack(scores: Tensor) -> bool:
    """A graph that is traced cannot pass through NumPy."""
    is_traced = torch.compiler.is_compiling() or torch.jit.is_tracing()
    return (
        not is_traced
        and scores.device.type == 'cpu'
        and scores.dtype == torch.float32
        and scores.numel() > 0
        # False for NaN too. The bits of other numbers are in their order.
        and bool(scores.min() >= 0)
    )


def _order_of_packed(scores: Tensor) -> Tensor:
    """Sort whole numbers of 64 bits: the score above, its column below."""
    # Adding 0 makes 0 of -0.
    bits = (scores + 0.0).contiguous().view(torch.int32)
    keys = bits.bitwise_not_().long()
    keys <<= _INDEX_BITS
    keys |= torch.arange(scores.shape[1])
    packed = keys.numpy()
    packed.sort(axis=1)
    return torch.from_numpy(np.bitwise_and(packed, _INDEX_MASK, out=packed))
