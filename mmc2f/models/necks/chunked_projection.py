"""Projected feature maps, some of their channels at a time."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor


class ChunkedProjection:
    """Projects maps by 1x1 convolutions, a chunk of k channels after another.

    A map is used as columns ``(C, B*H*W)``: a view of it in
    ``channels_last`` or of a single one, else a copy. So every product of
    matrices is one large one, whatever the batch and the size of the maps.

    Args:
        maps: ``(B, C_i, H, W)`` each.
        weights: ``(d, C_i)`` each.
        used: Indices of the maps to project.
        chunk: k.
        keep: Whether to hold the projections of all d channels, in
            :attr:`memory`. Else one chunk's memory serves for the next.
        kept: What an earlier projection of the same maps has kept.

    Attributes:
        columns: ``(C_i, B*H*W)``, by index of the map.
        memory: ``(d or k, B*H*W)``, by index of the map.
        sizes: B and H*W.
    """

    def __init__(
        self,
        maps: Sequence[Tensor],
        weights: Sequence[Tensor],
        used: Sequence[int],
        chunk: int,
        keep: bool = False,
        kept: Sequence[Tensor] = (),
    ) -> None:
        batch, _, height, width = maps[0].shape
        self.sizes = (batch, height * width)
        self.weights = weights
        self.channels = len(weights[0])
        self.chunk = min(chunk, self.channels)
        self.whole = keep or bool(kept)
        self.done = bool(kept)
        self.columns = {i: as_columns(maps[i]) for i in used}
        if kept:
            self.memory = dict(zip(used, kept, strict=True))
            return
        rows = self.channels if keep else self.chunk
        self.memory = {
            i: x.new_empty(rows, x.shape[1]) for i, x in self.columns.items()
        }

    def __iter__(self) -> Iterator[tuple[slice, dict[int, Tensor]]]:
        """Yield the channels of a chunk and its ``(k, B, H*W)`` by map.

        Unless all is kept, a chunk is gone when the next is asked for.
        """
        for start in range(0, self.channels, self.chunk):
            part = slice(start, min(start + self.chunk, self.channels))
            place = part if self.whole else slice(part.stop - start)
            projected = {}
            for i, x in self.columns.items():
                flat = self.memory[i][place]
                if not self.done:
                    torch.mm(self.weights[i][part], x, out=flat)
                projected[i] = flat.unflatten(1, self.sizes)
            yield part, projected


def as_columns(x: Tensor) -> Tensor:
    """Bring a map ``(B, C, H, W)`` to ``(C, B*H*W)``."""
    if in_channels_last(x):
        return x.permute(0, 2, 3, 1).flatten(0, 2).t()
    return x.transpose(0, 1).flatten(1)


def as_map(columns: Tensor, like: Tensor) -> Tensor:
    """Bring ``(C, B*H*W)`` to shape, type and memory format of a map."""
    batch, _, height, width = like.shape
    shaped = columns.unflatten(1, (batch, height, width)).transpose(0, 1)
    return shaped.to(like.dtype).contiguous(
        memory_format=torch.channels_last
        if in_channels_last(like)
        else torch.contiguous_format
    )


def in_channels_last(x: Tensor) -> bool:
    """Whether the channels of a position lie side by side."""
    return not x.is_contiguous() and x.is_contiguous(
        memory_format=torch.channels_last
    )
