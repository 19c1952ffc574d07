"""Where the pixels of a model's input lie in the original image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

__all__ = ['InputGeometry']

# Sizes are whole numbers; the host keeps the scale as a rounded quotient.
TOLERANCE = 1e-3
HINT = (
    'boxes can be brought back from Resize or ResizeEdge, then CenterCrop, '
    'then RandomFlip, each at most once, and from no other step that moves '
    'pixels'
)


@dataclass(frozen=True)
class InputGeometry:
    """The map from the original image to the model's input.

    Along each axis ``input = scale * original + shift``, in continuous
    coordinates: pixel i reaches from i to i + 1. A negative scale mirrors.

    Args:
        scale: Of x and y.
        shift: Of x and y, in pixels of the input.
        original_size: (H, W) of the image as it was loaded.
        input_size: (H, W) of the input.
    """

    scale: tuple[float, float]
    shift: tuple[float, float]
    original_size: tuple[int, int]
    input_size: tuple[int, int]

    @classmethod
    def from_meta(
        cls, meta: BaseDataElement | Mapping[str, Any]
    ) -> 'InputGeometry':
        """Read the map off what the pipeline notes on every sample.

        ``PackInputs`` keeps ``ori_shape``, ``img_shape``, ``scale_factor``,
        ``flip`` and ``flip_direction`` by default. They tell the map where
        the pipeline resizes at most once, crops the centre at most once and
        mirrors at most once, in this order. Other crops of mmpretrain do not
        note their place, but give themselves away: the size they note has
        a third number.

        Args:
            meta: A data sample, or its metainfo.

        Raises:
            ValueError: The sizes are missing, or do not follow from these
                steps.
        """
        image = meta.get('img_path') or 'an image'
        original = _size(meta, 'ori_shape', image)
        size = _size(meta, 'img_shape', image)
        factors = _factors(meta.get('scale_factor'), image)
        axes = [
            _axis(*axis)
            for axis in zip(
                original[::-1],
                factors,
                size[::-1],
                _mirrored(meta),
                strict=True,
            )
        ]
        if None in axes:
            raise ValueError(
                f'{image} of {_text(original)} pixels, scaled by '
                f'{_text(factors)}, cannot have become an input of '
                f'{_text(size)} by a centre crop (height x width; the scale '
                f'is that of x, y): {HINT}'
            )
        scale, shift = zip(*axes, strict=True)
        return cls(scale, shift, original_size=original, input_size=size)

    def to_input(self, points: Tensor) -> Tensor:
        """Points ``(..., 2)`` (x, y) of the original image in the input."""
        return points * points.new_tensor(self.scale) + points.new_tensor(
            self.shift
        )

    def to_original(self, points: Tensor) -> Tensor:
        """Points ``(..., 2)`` (x, y) of the input in the original image."""
        return (points - points.new_tensor(self.shift)) / points.new_tensor(
            self.scale
        )

    def boxes_to_input(self, boxes: Tensor) -> Tensor:
        """Boxes ``(..., 4)`` (x1, y1, x2, y2), as :meth:`to_input`."""
        return _sort_corners(self.to_input(boxes.unflatten(-1, (2, 2))))

    def boxes_to_original(self, boxes: Tensor) -> Tensor:
        """Boxes ``(..., 4)`` (x1, y1, x2, y2), as :meth:`to_original`."""
        return _sort_corners(self.to_original(boxes.unflatten(-1, (2, 2))))


def _axis(
    length: int, factor: float, cut: int, mirrored: bool
) -> tuple[float, float] | None:
    """Scale and shift along an axis.

    Args:
        length: Of the original image.
        factor: Of the resizing.
        cut: Length of the input.
        mirrored: Whether the input is, after all else.

    Returns:
        ``None`` where the resized image has no whole number of pixels, or
        fewer than the input.
    """
    resized = round(length * factor)
    if abs(resized - length * factor) > TOLERANCE or cut > resized:
        return None
    # As mmcv's CenterCrop rounds it.
    start = round((resized - cut) / 2)
    return (-factor, float(cut + start)) if mirrored else (factor, -start)


def _sort_corners(corners: Tensor) -> Tensor:
    """``(..., 2, 2)`` to boxes; mirroring swaps left and right."""
    return torch.cat([corners.amin(dim=-2), corners.amax(dim=-2)], dim=-1)


def _size(meta: Mapping[str, Any], name: str, image: str) -> tuple[int, int]:
    size = meta.get(name)
    if size is None or len(size) != 2:
        raise ValueError(
            f'{image} has {name} {size!r} instead of (height, width), so '
            f'where its input was cut from is not known: {HINT}'
        )
    return int(size[0]), int(size[1])


def _factors(factor: Any, image: str) -> tuple[float, float]:
    if factor is None:  # nothing resized it
        return 1.0, 1.0
    scale = tuple(float(value) for value in factor)
    if len(scale) != 2 or min(scale) <= 0:
        raise ValueError(
            f'{image} has scale_factor {factor!r}; expected two positive '
            'numbers, of width and height'
        )
    return scale


def _mirrored(meta: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether x and y are."""
    if not meta.get('flip'):
        return False, False
    direction = meta.get('flip_direction')
    return (
        direction in ('horizontal', 'diagonal'),
        direction in ('vertical', 'diagonal'),
    )


def _text(pair: tuple[float, float]) -> str:
    return f'{pair[0]:g} x {pair[1]:g}'
