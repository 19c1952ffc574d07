from collections.abc import Sequence
from math import sqrt

import numpy as np

from mmc2f.models.regions.anchor_grid import AnchorGrid, Size
from mmc2f.registry import TASK_UTILS

__all__ = ['AnchorGenerator']


@TASK_UTILS.register_module()
class AnchorGenerator(AnchorGrid):
    """Lays a regular grid of boxes over the image, at fixed scales.

    An anchor of scale s and ratio r has the area s^2, the height s * sqrt(r)
    and the width s / sqrt(r). A level of ``(h, w)`` cells on a ``(H, W)``
    image has its centres at ((x + 0.5) * W / w, (y + 0.5) * H / h). Anchors
    at the border reach beyond the image. Their order is level, y, x, scale,
    ratio.

    A scale that stands at several levels counts as one scale: its anchors
    compete with each other in scale-separated NMS.

    Args:
        scales: One entry a feature level, the finest level first: a number
            or a tuple of numbers. In pixels of an image whose shorter side is
            ``reference_size``.
        ratios: Height / width of the anchors.
        reference_size: The scales grow with (shorter side) /
            ``reference_size``. None takes them as they are.

    Raises:
        ValueError: When a number is not positive or stands twice.
    """

    def __init__(
        self,
        scales: Sequence[float | Sequence[float]] = (96, 192),
        ratios: Sequence[float] = (1.0,),
        reference_size: float | None = 448,
    ) -> None:
        self.scales = tuple(
            tuple(level) if isinstance(level, Sequence) else (level,)
            for level in scales
        )
        self.ratios = tuple(ratios)
        self.reference_size = reference_size
        if not self.scales:
            raise ValueError('scales of AnchorGenerator must not be empty')
        for level, values in enumerate(self.scales):
            _check_positive(f'scales[{level}]', values)
        _check_positive('ratios', self.ratios)
        if reference_size is not None:
            _check_positive('reference_size', (reference_size,))
        # In order of first appearance; the position is the scale id.
        self.distinct_scales = tuple(
            dict.fromkeys(scale for level in self.scales for scale in level)
        )
        super().__init__(
            type(self).__name__,
            [
                [self.distinct_scales.index(s) for s in level for _ in ratios]
                for level in self.scales
            ],
        )

    def _boxes(
        self, image_size: Size, feature_sizes: tuple[Size, ...]
    ) -> list[np.ndarray]:
        return [
            _tile(self._base_shapes(level, image_size), size, image_size)
            for level, size in enumerate(feature_sizes)
        ]

    def _base_shapes(self, level: int, image_size: Size) -> np.ndarray:
        """(n, 2) widths and heights in pixels."""
        factor = 1.0
        if self.reference_size is not None:
            factor = min(image_size) / self.reference_size
        shapes = []
        for scale in self.scales[level]:
            for ratio in self.ratios:
                side = scale * factor
                height, width = side * sqrt(ratio), side / sqrt(ratio)
                anchor = f'anchor of scale {scale} and ratio {ratio}'
                self._check_fits(image_size, width, height, anchor)
                shapes.append((width, height))
        return np.array(shapes)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(scales={self.scales}, '
            f'ratios={self.ratios}, reference_size={self.reference_size})'
        )


def _tile(shapes: np.ndarray, size: Size, image_size: Size) -> np.ndarray:
    """Puts boxes of (n, 2) widths and heights on every cell: (h*w*n, 4)."""
    h, w = size
    y = (np.arange(h) + 0.5) * image_size[0] / h
    x = (np.arange(w) + 0.5) * image_size[1] / w
    centre_y, centre_x = np.meshgrid(y, x, indexing='ij')
    centres = np.stack([centre_x, centre_y], axis=-1).reshape(-1, 1, 2)
    half = shapes / 2
    return np.concatenate([centres - half, centres + half], -1).reshape(-1, 4)


def _check_positive(name: str, values: Sequence[float]) -> None:
    if not values or not all(value > 0 for value in values):
        raise ValueError(
            f'{name} of AnchorGenerator must be positive numbers, got {values}'
        )
    if len(set(values)) != len(values):
        raise ValueError(
            f'{name} of AnchorGenerator must not repeat a number, got {values}'
        )
