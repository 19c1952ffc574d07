"""The last step of bilinear pooling, Section 3.1 of MLPH."""

import torch
from torch import Tensor
from torch.nn import functional as F

# Under the root; the slope at 0 is 1/sqrt(EPSILON), not infinite.
EPSILON = 1e-10
# Least length to divide by, of the root of a vector: 0 stays 0.
MIN_LENGTH = 1e-5


def signed_sqrt_l2(x: Tensor) -> Tensor:
    """Signed square root, then length 1 in the Euclidean norm.

    .. code-block:: text

        r = sign(x) sqrt|x|,   computed as x / sqrt(|x| + 1e-10)
        y = r / max(|r|, 1e-5)

    Value and gradient are finite everywhere; 0 stays 0.

    Args:
        x: ``(..., D)``; both steps are along the last dimension. Half
            precision is computed in float32.

    Returns:
        ``(..., D)`` in the type of ``x``.
    """
    exact = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    root = exact * torch.rsqrt(exact.abs() + EPSILON)
    return F.normalize(root, dim=-1, eps=MIN_LENGTH).to(x.dtype)
