"""A trained classifier as the start of another one."""

import torch
from torch import nn

__all__ = ['copy_classifier']


@torch.no_grad()
def copy_classifier(source: nn.Linear, target: nn.Linear) -> None:
    """Let ``target`` begin with the logits of ``source``.

    Args:
        source: Reads a feature ``(B, D)``.
        target: Reads a feature ``(B, D + E)`` that begins with it; the
            weights of the other E entries become zero.

    Raises:
        ValueError: Other classes, or a shorter feature.
    """
    classes, length = source.weight.shape
    if target.out_features != classes or target.in_features < length:
        raise ValueError(
            f'a classifier of {target.in_features} features and '
            f'{target.out_features} classes cannot start from one of '
            f'{length} features and {classes} classes'
        )
    target.weight.zero_()
    target.weight[:, :length] = source.weight
    target.bias.copy_(source.bias)
