"""Multi-linear pooling, Eq. 4-6 of MLPH."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

INTERACTIONS = ((0, 1), (0, 2), (1, 2), (0, 1, 2))


def multilinear_pool(
    maps: Sequence[Tensor],
    weights: Sequence[Tensor],
    interactions: Sequence[Sequence[int]] = INTERACTIONS,
    chunk: int | None = None,
    recompute: bool = False,
) -> Tensor:
    """Products of projected maps, averaged over the positions.

    Args:
        maps: ``(B, C_i, H, W)`` each; all of one height and width.
        weights: ``(d, C_i)`` each, the projection of map ``i``.
        interactions: Which maps are multiplied, a tuple of indices a block.

    Returns:
        ``(B, len(interactions) * d)``, before root and norm.
    """
    projected = [
        F.conv2d(x, w[:, :, None, None])
        for x, w in zip(maps, weights, strict=True)
    ]
    blocks = []
    for interaction in interactions:
        product = projected[interaction[0]]
        for index in interaction[1:]:
            product = product * projected[index]
        blocks.append(product.mean(dim=(2, 3)))
    return torch.cat(blocks, dim=1)
