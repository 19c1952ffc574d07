"""A small problem for multi-linear pooling, and its dense solution."""

import torch
from torch.nn import functional as F

from mmc2f.models.necks.functional import INTERACTIONS


def dense_pool(maps, weights, interactions=INTERACTIONS):
    """The same in plain PyTorch, all channels at once."""
    projected = [
        F.conv2d(x, weight[:, :, None, None])
        for x, weight in zip(maps, weights, strict=True)
    ]
    blocks = []
    for first, *others in interactions:
        product = projected[first]
        for i in others:
            product = product * projected[i]
        blocks.append(product.mean(dim=(2, 3)))
    return torch.cat(blocks, dim=1)


def make_problem(sizes=(2, 3, 2), channels=(4, 3, 5), d=5, dtype=torch.double):
    batch, height, width = sizes
    generator = torch.Generator().manual_seed(0)
    maps = [
        torch.randn(
            batch, c, height, width, dtype=dtype, generator=generator
        ).relu()
        for c in channels
    ]
    weights = [
        torch.randn(d, c, dtype=dtype, generator=generator) / c**0.5
        for c in channels
    ]
    return maps, weights


def value_and_gradients(pool, maps, weights, *args, **kwargs):
    """Result, and gradients of all tensors that need one."""
    maps = [x.detach().requires_grad_() for x in maps]
    weights = [x.detach().requires_grad_() for x in weights]
    pooled = pool(maps, weights, *args, **kwargs)
    generator = torch.Generator().manual_seed(1)
    gradient = torch.randn(pooled.shape, generator=generator).to(pooled)
    gradients = torch.autograd.grad(
        pooled, maps + weights, gradient, allow_unused=True
    )
    return pooled.detach(), gradients
