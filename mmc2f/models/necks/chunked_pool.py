"""Value and gradient of multi-linear pooling, some channels at a time."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .chunked_projection import ChunkedProjection, as_map
from .product_derivative import derivative, evaluate

Interactions = tuple[tuple[int, ...], ...]


class ChunkedPool(torch.autograd.Function):
    """Multi-linear pooling that can be differentiated once.

    With a chunk's projections A = U X, B = V Y, C = W Z and the gradients
    g of the blocks, each divided by the number of positions:

    .. code-block:: text

        dA = B ∘ (g_ab + C ∘ g_abc) + C ∘ g_ac      likewise dB, dC
        dU = dA Xᵀ        dX = sum over chunks of Uᵀ dA

    The projections are either kept from the forward pass, or made again.
    """

    @staticmethod
    def forward(
        ctx: Any,
        interactions: Interactions,
        chunk: int,
        recompute: bool,
        *tensors: Tensor,
    ) -> Tensor:
        """Pool; ``tensors`` are the maps, then their weights."""
        maps, weights = halves(tensors)
        used = used_maps(interactions)
        projection = ChunkedProjection(
            maps, weights, used, chunk, keep=not recompute
        )
        ctx.interactions, ctx.chunk = interactions, chunk
        kept = () if recompute else projection.memory.values()
        ctx.save_for_backward(*tensors, *kept)
        return pool_chunks(projection, interactions)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of those maps and weights that need one."""
        needed = ctx.needs_input_grad[3:]
        tensors = ctx.saved_tensors[: len(needed)]
        maps, weights = halves(tensors)
        projection = ChunkedProjection(
            maps,
            weights,
            used_maps(ctx.interactions),
            ctx.chunk,
            kept=ctx.saved_tensors[len(needed) :],
        )
        # Called within autocast, it would lower the sums in float32.
        with torch.autocast(gradient.device.type, enabled=False):
            of_maps, of_weights = gradients_of_chunks(
                projection, ctx.interactions, gradient, *halves(needed)
            )
        of_maps = {i: as_map(of_maps.pop(i), maps[i]) for i in list(of_maps)}
        numbers = range(len(maps))
        return (
            *(None, None, None),
            *map(of_maps.get, numbers),
            *map(of_weights.get, numbers),
        )


def pool_chunks(
    projection: ChunkedProjection, interactions: Interactions
) -> Tensor:
    """Average the products over the positions.

    Returns:
        ``(B, len(interactions) * d)``.
    """
    batch, channels = projection.sizes[0], projection.channels
    pooled = projection.weights[0].new_empty(
        batch, len(interactions), channels
    )
    for part, projected in projection:
        for block, (first, *others) in enumerate(interactions):
            product = projected[first]
            for step, index in enumerate(others):
                if step == 0:
                    product = product * projected[index]
                else:
                    product.mul_(projected[index])
            mean = product.mean(-1, dtype=sum_type(product))
            pooled[:, block, part] = mean.t()
    return pooled.flatten(1)


def gradients_of_chunks(
    projection: ChunkedProjection,
    interactions: Interactions,
    gradient: Tensor,
    maps_needed: Sequence[bool],
    weights_needed: Sequence[bool],
) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
    """Gradients of the maps and of the weights, by the index of the map.

    Args:
        gradient: ``(B, len(interactions) * d)``.

    Returns:
        ``(C_i, B*H*W)`` in the type for sums, and ``(d, C_i)``; of those
        that are needed.
    """
    columns, weights = projection.columns, projection.weights
    of_maps = {
        i: torch.zeros_like(x, dtype=sum_type(x))
        for i, x in columns.items()
        if maps_needed[i]
    }
    of_weights = {
        i: weights[i].new_empty(weights[i].shape)
        for i in columns
        if weights_needed[i]
    }
    blocks = gradient.unflatten(1, (len(interactions), -1))
    blocks = (blocks / projection.sizes[1]).permute(1, 2, 0).unsqueeze(-1)
    for part, projected in projection:
        for i in sorted(of_maps.keys() | of_weights.keys()):
            terms = derivative(interactions, blocks[:, part], by=i)
            slope = evaluate(terms, projected).expand_as(projected[i])
            slope = slope.flatten(1)
            if i in of_weights:
                torch.mm(slope, columns[i].t(), out=of_weights[i][part])
            if i in of_maps:
                add_product(of_maps[i], weights[i][part].t(), slope)
    return of_maps, of_weights


def halves(items: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """Split what belongs to the maps from what belongs to the weights."""
    middle = len(items) // 2
    return items[:middle], items[middle:]


def used_maps(interactions: Interactions) -> list[int]:
    """Indices of the maps that occur in any product."""
    return sorted({index for product in interactions for index in product})


def sum_type(x: Tensor) -> torch.dtype:
    """Type for long sums: float32 for half precision, else that of x."""
    return torch.promote_types(x.dtype, torch.float32)


def add_product(total: Tensor, a: Tensor, b: Tensor) -> None:
    """Add the product of two matrices; the sum may be of a finer type."""
    if total.dtype == a.dtype:
        total.addmm_(a, b)
    else:
        total += a @ b
