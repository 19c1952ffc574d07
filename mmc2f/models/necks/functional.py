"""Multi-linear pooling, Eq. (3)-(6) of MLPH, as functions."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mmc2f.models.necks.autograd import (
    ChunkedPool,
    ChunkedProjection,
    pool_chunks,
    used_maps,
)

__all__ = ['INTERACTIONS', 'multilinear_pool', 'signed_sqrt_l2']

# All pairs and the triple: Eq. (6).
INTERACTIONS = ((0, 1), (0, 2), (1, 2), (0, 1, 2))
# Numbers in a chunk of one projected map: as fast as any in
# benchmarks/multilinear_pool.py, and small compared with the maps.
CHUNK_NUMEL = 2**21
TRACED_CHUNK = 1024
# Added under the root, so that the slope at 0 is 1/sqrt(EPSILON).
EPSILON = 1e-10
# Smallest length that a vector is divided by, so that 0 stays 0.
MIN_LENGTH = 1e-5


def multilinear_pool(
    maps: Sequence[Tensor],
    weights: Sequence[Tensor],
    interactions: Sequence[Sequence[int]] = INTERACTIONS,
    chunk: int | None = None,
    recompute: bool = False,
) -> Tensor:
    """Average products of projected maps over the positions, Eq. (3)-(6).

    .. code-block:: text

        P_i = U_i x_i                     at each position, (d,)
        block of (i, j, ...) = mean over positions of P_i ∘ P_j ∘ ...

    With the default interactions these are the four products of Eq. (6),
    before the signed square root and the normalisation. The d channels are
    independent up to the classifier, so they are processed in chunks, forward
    and backward, and no product is ever stored as a whole. Value and gradient
    equal those of 1x1 convolutions, products and means.

    Under autocast the arguments are cast as those of a convolution, and so is
    the result; sums over positions, and over chunks in the gradient of the
    maps, are in float32. The second derivative is not defined.
    ``torch.compile`` compiles the forward pass where no gradient is needed and
    runs eagerly otherwise; ``torch.export`` records the forward pass only.

    Args:
        maps: ``(B, C_i, H, W)`` each, in any memory format.
        weights: ``(d, C_i)`` each, the projection of map ``i``.
        interactions: A tuple of indices of maps for each block; an index
            may occur twice, ``(0, 0)`` is the square of map 0.
        chunk: Channels per chunk; None: by the size of the maps. It changes
            memory and speed only.
        recompute: Whether to project again in the backward pass instead of
            keeping the projected maps (d numbers per position and map).

    Returns:
        ``(B, len(interactions) * d)``, the blocks side by side.

    Raises:
        ValueError: Maps, weights or interactions do not match, or ``chunk``
            is less than 1.
    """
    check_interactions(interactions, len(maps))
    check_shapes(maps, weights)
    if chunk is not None and chunk < 1:
        raise ValueError(f'chunk is a number of channels from 1, not {chunk}')
    # The type that autocast gives a matrix product, on any device.
    probe = weights[0][:0]
    dtype = (probe @ probe.t()).dtype
    maps = [x.to(dtype) for x in maps]
    weights = [x.to(dtype) for x in weights]
    blocks = tuple(tuple(x) for x in interactions)
    if not is_exporting() and needs_gradient(maps, weights):
        return pool_for_training(maps, weights, blocks, chunk, recompute)
    # Sizes may be symbolic under a compiler; a choice by size specialises.
    if chunk is None and torch.compiler.is_compiling():
        chunk = TRACED_CHUNK
    projection = ChunkedProjection(
        [x.detach() for x in maps],
        [x.detach() for x in weights],
        used_maps(blocks),
        chunk or default_chunk(maps[0]),
    )
    return pool_chunks(projection, blocks)


def signed_sqrt_l2(x: Tensor) -> Tensor:
    """Signed square root, then L2 normalisation (Section 3.1 of MLPH).

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


# A compiler that traces the chunks merges what is computed twice, and so
# keeps in memory what the chunks avoid.
@torch.compiler.disable
def pool_for_training(
    maps: list[Tensor],
    weights: list[Tensor],
    interactions: tuple[tuple[int, ...], ...],
    chunk: int | None,
    recompute: bool,
) -> Tensor:
    """Pool with a backward pass."""
    return ChunkedPool.apply(
        interactions,
        chunk or default_chunk(maps[0]),
        recompute,
        *maps,
        *weights,
    )


def needs_gradient(maps: list[Tensor], weights: list[Tensor]) -> bool:
    """Whether a backward pass may follow."""
    return torch.is_grad_enabled() and any(
        x.requires_grad for x in (*maps, *weights)
    )


def is_exporting() -> bool:
    """Whether ``torch.export`` records this call; never before torch 2.7."""
    ask = getattr(torch.compiler, 'is_exporting', None)
    return ask is not None and ask()


def default_chunk(x: Tensor) -> int:
    """Return the channels whose projection has about CHUNK_NUMEL numbers.

    A power of two from 64 on, on which matrix products are fastest.
    """
    positions = max(1, x.shape[0] * x.shape[2] * x.shape[3])
    return 1 << max(6, (CHUNK_NUMEL // positions).bit_length() - 1)


def check_interactions(
    interactions: Sequence[Sequence[int]], num_maps: int
) -> None:
    """Raise ValueError unless each block names maps there are."""
    if not interactions:
        raise ValueError('interactions is empty; name at least one product')
    for number, interaction in enumerate(interactions):
        where = f'interactions[{number}] = {interaction!r}'
        if not isinstance(interaction, Sequence) or not interaction:
            raise ValueError(
                f'{where}: expected a tuple of indices of maps, e.g. (0, 1)'
            )
        if not all(i in range(num_maps) for i in interaction):
            raise ValueError(
                f'{where} names a map that is not there; the {num_maps} maps '
                f'are numbered from 0 to {num_maps - 1}'
            )


def check_shapes(maps: Sequence[Tensor], weights: Sequence[Tensor]) -> None:
    """Raise ValueError unless the maps fit each other and their weights."""
    if len(maps) != len(weights):
        raise ValueError(
            f'{len(maps)} maps but {len(weights)} weights; each map has a '
            'projection of its own'
        )
    for i, (x, weight) in enumerate(zip(maps, weights, strict=True)):
        if x.ndim != 4 or x.shape[2:].numel() == 0:
            raise ValueError(
                f'maps[{i}] has shape {tuple(x.shape)}; expected '
                '(B, C, H, W) with at least one position'
            )
        first = maps[0]
        if x.shape[0] != first.shape[0] or x.shape[2:] != first.shape[2:]:
            raise ValueError(
                f'maps[{i}] has shape {tuple(x.shape)} but maps[0] '
                f'{tuple(first.shape)}; batch, height and width must agree: '
                'bring the maps to one size first'
            )
        if weight.ndim != 2 or weight.shape[1] != x.shape[1]:
            raise ValueError(
                f'weights[{i}] has shape {tuple(weight.shape)}; expected '
                f'(d, {x.shape[1]}) for the {x.shape[1]} channels of '
                f'maps[{i}]'
            )
        if len(weight) != len(weights[0]) or len(weight) == 0:
            raise ValueError(
                f'weights[{i}] projects to {len(weight)} channels and '
                f'weights[0] to {len(weights[0])}; d must be one number '
                'from 1'
            )
