"""Regions of a batch of images, and the features of the network."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

__all__ = ['Embedded', 'Regions']


@dataclass(frozen=True, eq=False)
class Regions:
    """The regions chosen in a batch of images.

    Columns are ordered by scale, then by rank within the scale, and mean the
    same in every image: the fusion neck joins the columns of one scale.

    Args:
        boxes: ``(B, R, 4)`` corners (x1, y1, x2, y2) in pixels of the network
            input. They may reach beyond the image.
        scores: ``(B, R)`` scores of the navigator.
        anchor_index: ``(B, R)`` row of each region in the anchor set.
        scale_ids: ``(R,)`` group of each column.

    Raises:
        ValueError: When the shapes do not belong together.
    """

    boxes: Tensor
    scores: Tensor
    anchor_index: Tensor
    scale_ids: Tensor

    def __post_init__(self) -> None:
        if self.boxes.dim() != 3 or self.boxes.shape[-1] != 4:
            raise ValueError(
                f'boxes of Regions must be (B, R, 4), got '
                f'{tuple(self.boxes.shape)}'
            )
        batch, count = self.boxes.shape[:2]
        expected = {
            'scores': (batch, count),
            'anchor_index': (batch, count),
            'scale_ids': (count,),
        }
        for name, shape in expected.items():
            found = tuple(getattr(self, name).shape)
            if found != shape:
                raise ValueError(
                    f'{name} of Regions must be {shape} to go with boxes '
                    f'{tuple(self.boxes.shape)}, got {found}'
                )

    def __len__(self) -> int:
        """Number of images."""
        return self.boxes.shape[0]

    @property
    def num_regions(self) -> int:
        """R, regions in each image."""
        return self.boxes.shape[1]

    def select(self, columns: list[int]) -> 'Regions':
        """The regions in these columns, in this order."""
        return Regions(
            boxes=self.boxes[:, columns],
            scores=self.scores[:, columns],
            anchor_index=self.anchor_index[:, columns],
            scale_ids=self.scale_ids[columns],
        )


class Embedded(NamedTuple):
    """Features of a batch of B images.

    Attributes:
        global_feature: ``(B, Dg)``, the pooled last map.
        embedding: ``(B, D)``, the global feature and the fused local ones.
        regions: Where the local ones were taken.
        local_features: ``(B, R, C)``, the pooled map of each region.
    """

    global_feature: Tensor
    embedding: Tensor
    regions: Regions
    local_features: Tensor
