from collections.abc import Sequence
from math import isclose
from typing import Any

import numpy as np
import torch

from mmc2f.models.regions.anchor_grid import AnchorGrid, Size

__all__ = ['PriorAnchors']


class PriorAnchors(AnchorGrid):
    """Anchors of one of mmdet's generators, as the navigator takes them.

    The scale of an anchor is the side of the square of its area, so that
    anchors of one scale and several ratios compete with each other in
    scale-separated NMS. mmdet's anchors keep their pixels and strides
    whatever the size of the image, and their order in a cell is mmdet's.

    Args:
        generator: Has ``base_anchors``, ``strides`` and ``grid_priors``, as
            ``mmdet.AnchorGenerator`` and what derives from it.

    Raises:
        TypeError: When its priors are no boxes.
    """

    def __init__(self, generator: Any) -> None:
        name = type(generator).__name__
        if not hasattr(generator, 'base_anchors'):
            raise TypeError(
                f'the navigator scores boxes, but the priors of {name} are '
                f'points: use mmdet.AnchorGenerator or one that derives from '
                f'it'
            )
        self.generator = generator
        self.base_shapes = [
            (level[:, 2:] - level[:, :2]).numpy(force=True).astype(np.float64)
            for level in generator.base_anchors
        ]
        super().__init__(name, _group_by_area(self.base_shapes))

    def _boxes(
        self, image_size: Size, feature_sizes: tuple[Size, ...]
    ) -> list[np.ndarray]:
        self._check_strides(image_size, feature_sizes)
        for shapes in self.base_shapes:
            for width, height in shapes.tolist():
                anchor = f'anchor of {self.name}'
                self._check_fits(image_size, width, height, anchor)
        levels = self.generator.grid_priors(
            feature_sizes, dtype=torch.float32, device='cpu'
        )
        # With use_box_type they come wrapped.
        return [getattr(level, 'tensor', level).numpy() for level in levels]

    def _check_strides(
        self, image_size: Size, feature_sizes: tuple[Size, ...]
    ) -> None:
        strides = self.generator.strides
        for (step_x, step_y), (h, w) in zip(
            strides, feature_sizes, strict=True
        ):
            rest_y = h * step_y - image_size[0]
            rest_x = w * step_x - image_size[1]
            if abs(rest_y) >= step_y or abs(rest_x) >= step_x:
                raise ValueError(
                    f'{self.name} has the stride {(step_y, step_x)} (height, '
                    f'width) for a map of {h} x {w} cells on an image of '
                    f'{image_size[0]} x {image_size[1]}: give it the strides '
                    f'of the maps of the navigator'
                )

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.generator!r})'


def _group_by_area(levels: Sequence[np.ndarray]) -> list[list[int]]:
    """Scale ids of (n, 2) widths and heights, in order of appearance."""
    known: list[float] = []

    def scale_id(side: float) -> int:
        # Ratios make the same area with another rounding.
        for index, other in enumerate(known):
            if isclose(side, other, rel_tol=1e-4):
                return index
        known.append(side)
        return len(known) - 1

    return [
        [scale_id(side) for side in np.sqrt(shapes.prod(axis=1)).tolist()]
        for shapes in levels
    ]
