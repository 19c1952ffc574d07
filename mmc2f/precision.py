"""Steps that are computed in float32 at least, also in half precision."""

import torch
from torch import Tensor

__all__ = ['at_least_float32', 'unit_vectors']

# A shorter vector has no direction that float32 can represent.
SHORTEST = 1e-12


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision as float32; float32 and float64 as they are."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def unit_vectors(vectors: Tensor) -> Tensor:
    """Divide vectors by their length, so that products are cosines.

    Half precision would round cosines by more than the margins of the losses.
    A zero vector stays zero: its cosine to any vector is 0 and its gradient
    is finite (dividing by a small epsilon instead would multiply the gradient
    by 1 / epsilon). NaN stays NaN.

    Args:
        vectors: ``(..., D)``.

    Returns:
        ``(..., D)``, float32, or float64 for float64.
    """
    vectors = at_least_float32(vectors)
    length = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / length.masked_fill(length < SHORTEST, 1.0)
