from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ['AnchorSet']


@dataclass(frozen=True, eq=False)
class AnchorSet:
    """The anchors of an input size: constant, the same for every image.

    Two sets are equal only when they are the same object, so that constants
    derived from a set (suppression matrices) can be kept by it.

    Args:
        boxes: ``(A, 4)`` corners (x1, y1, x2, y2) in pixels.
        scale_ids: ``(A,)`` index of the scale of each anchor.
        image_size: (H, W) in pixels.
        members: For each scale, the ascending ``(A_s,)`` indices of its
            anchors. Derived from ``scale_ids`` by default.

    Raises:
        ValueError: When the shapes do not belong together, or a scale id
            below the largest has no anchor.
    """

    boxes: Tensor
    scale_ids: Tensor
    image_size: tuple[int, int]
    members: tuple[Tensor, ...] = ()

    def __post_init__(self) -> None:
        if self.boxes.dim() != 2 or self.boxes.shape[1] != 4:
            raise ValueError(
                f'boxes of an AnchorSet must be (A, 4), got '
                f'{tuple(self.boxes.shape)}'
            )
        if len(self) == 0:
            raise ValueError('an AnchorSet needs at least one anchor')
        if self.scale_ids.shape != self.boxes.shape[:1]:
            raise ValueError(
                f'scale_ids of an AnchorSet must be ({len(self)},), one per '
                f'anchor, got {tuple(self.scale_ids.shape)}'
            )
        if not self.members:
            object.__setattr__(self, 'members', self._split_by_scale())

    def __len__(self) -> int:
        """A, the number of anchors."""
        return self.boxes.shape[0]

    @property
    def num_scales(self) -> int:
        return len(self.members)

    @property
    def device(self) -> torch.device:
        return self.boxes.device

    def _split_by_scale(self) -> tuple[Tensor, ...]:
        members = tuple(
            torch.nonzero(self.scale_ids == scale).flatten()
            for scale in range(int(self.scale_ids.max()) + 1)
        )
        for scale, indices in enumerate(members):
            if len(indices) == 0:
                raise ValueError(
                    f'scale_ids of an AnchorSet must count from 0 without '
                    f'gaps: no anchor has scale {scale}'
                )
        return members


def draw_anchors(anchors: AnchorSet, num_images: int, count: int) -> Tensor:
    """Draws anchors of each scale at random, with replacement.

    Args:
        anchors: A anchors of S scales.
        num_images: B.
        count: K, how many of each scale.

    Returns:
        ``(B, S * K)`` int64 rows of the anchor set, ordered by scale.
    """
    drawn = []
    for members in anchors.members:
        place = torch.randint(
            len(members), (num_images, count), device=members.device
        )
        drawn.append(members[place])
    return torch.cat(drawn, dim=1)
