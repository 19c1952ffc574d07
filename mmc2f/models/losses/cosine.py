import torch
from torch import Tensor

__all__ = ['unit_vectors']

# Shorter than this, a vector has no direction that float32 could tell.
SHORTEST = 1e-12


def unit_vectors(vectors: Tensor) -> Tensor:
    """Divides vectors by their length, so that products are cosines.

    In float32 at least: half precision rounds cosines by more than the
    margins are worth. A zero vector stays zero, its cosine to everything is
    0, and its gradient is finite (dividing by a small epsilon instead would
    multiply the gradient by 1 / epsilon). NaN stays NaN.

    Args:
        vectors: ``(..., D)``.

    Returns:
        ``(..., D)``, float32, or float64 for float64.
    """
    vectors = vectors.to(torch.promote_types(vectors.dtype, torch.float32))
    length = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / length.masked_fill(length < SHORTEST, 1.0)
