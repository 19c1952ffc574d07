"""A label tree as a tensor, so that it travels with the weights."""

import json

import torch
from torch import Tensor

from mmc2f.structures import LabelTree

__all__ = ['tree_from_buffer', 'tree_to_buffer']


def tree_to_buffer(tree: LabelTree) -> Tensor:
    """Bytes of the tree's JSON, ``(n,)`` uint8."""
    text = json.dumps(tree.to_dict(), ensure_ascii=True)
    return torch.tensor(list(text.encode()), dtype=torch.uint8)


def tree_from_buffer(buffer: Tensor | None) -> LabelTree | None:
    """Inverse of :func:`tree_to_buffer`; None for an empty or no buffer."""
    if buffer is None or not buffer.numel():
        return None
    return LabelTree.from_dict(json.loads(bytes(buffer.tolist())))
