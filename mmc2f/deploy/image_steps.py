"""A test pipeline as plain steps, with neither torch nor the host."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import cv2
import numpy as np
from PIL import Image

__all__ = ['apply_steps', 'boxes_in_original', 'input_shape', 'plain_steps']

#: What moves pixels, with the arguments that are read.
MOVING = {
    'Resize': ('scale', 'keep_ratio', 'interpolation', 'backend'),
    'ResizeEdge': ('scale', 'edge', 'interpolation', 'backend'),
    'CenterCrop': ('crop_size',),
}
#: What reads files, packs, or needs a label or a view.
SILENT = (
    *('LoadImage', 'LoadImageFromFile', 'PackInputs'),
    *('AddHierarchyLabels', 'DegradeResolution'),
)
CV2 = {
    'nearest': cv2.INTER_NEAREST,
    'bilinear': cv2.INTER_LINEAR,
    'bicubic': cv2.INTER_CUBIC,
    'area': cv2.INTER_AREA,
    'lanczos': cv2.INTER_LANCZOS4,
}
PILLOW = {
    'nearest': Image.Resampling.NEAREST,
    'bilinear': Image.Resampling.BILINEAR,
    'bicubic': Image.Resampling.BICUBIC,
    'box': Image.Resampling.BOX,
    'lanczos': Image.Resampling.LANCZOS,
    'hamming': Image.Resampling.HAMMING,
}
#: Two shapes that a pipeline which gives one size tells nothing of.
PROBES = ((480, 640), (700, 500))

Steps = Sequence[Mapping[str, Any]]


def plain_steps(pipeline: Steps) -> list[dict[str, Any]]:
    """What a test pipeline does to pixels, in JSON types.

    Args:
        pipeline: Configs of transforms; types with or without a scope.

    Raises:
        ValueError: A step, or an argument of it, that is not known here.
    """
    steps = []
    for step in pipeline:
        name = str(step['type']).rpartition('.')[2]
        given = {k: v for k, v in step.items() if k != 'type'}
        if name == 'DegradeResolution' and given.get('resolution'):
            raise ValueError(
                'a test pipeline that lowers the resolution is not exported'
            )
        if name in SILENT:
            continue
        if name not in MOVING or set(given) - set(MOVING[name]):
            raise ValueError(
                f'{name} with {", ".join(given) or "no argument"} cannot be '
                f'exported; known are {", ".join(MOVING)} with '
                f'{", ".join(dict.fromkeys(chain(*MOVING.values())))}'
            )
        if given.get('keep_ratio'):
            raise ValueError('Resize with keep_ratio cannot be exported')
        steps.append({'type': name, **given})
    return steps


def apply_steps(
    image: np.ndarray, steps: Steps
) -> tuple[np.ndarray, np.ndarray]:
    """Bring an image to the network's size, as the pipeline does.

    Args:
        image: ``(H, W, 3)`` uint8.
        steps: Of :func:`plain_steps`.

    Returns:
        The image, and ``(2, 2)`` scale and shift of x and y: a point of the
        input is ``scale * original + shift``.
    """
    scale, shift = np.ones(2), np.zeros(2)
    for step in steps:
        height, width = image.shape[:2]
        if step['type'] == 'CenterCrop':
            x, y, w, h = _crop(step['crop_size'], width, height)
            image = image[y : y + h, x : x + w]
            shift = shift - (x, y)
            continue
        size = _size(step, width, height)
        image = _resize(image, size, step)
        factor = np.array(size) / (width, height)
        scale, shift = scale * factor, shift * factor
    return np.ascontiguousarray(image), np.stack([scale, shift])


def boxes_in_original(
    boxes: np.ndarray, geometry: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Boxes ``(R, 4)`` of the input in the original, which they do not leave.

    Args:
        boxes: (x1, y1, x2, y2).
        geometry: Of :func:`apply_steps`.
        size: (H, W) of the original.
    """
    scale, shift = geometry
    points = (boxes.reshape(-1, 2, 2) - shift) / scale
    return points.clip(0, [size[1], size[0]]).reshape(-1, 4)


def input_shape(steps: Steps) -> tuple[int, int] | None:
    """(H, W) that every image is brought to; None where there is none."""
    shapes = set()
    for shape in PROBES:
        image, _ = apply_steps(np.zeros((*shape, 3), np.uint8), steps)
        shapes.add((image.shape[0], image.shape[1]))
    return shapes.pop() if len(shapes) == 1 else None


def _crop(
    crop_size: int | Sequence[int], width: int, height: int
) -> tuple[int, int, int, int]:
    """Left, top, width and height, rounded as mmcv's CenterCrop does."""
    if isinstance(crop_size, int):
        crop_size = (crop_size, crop_size)
    w, h = min(crop_size[0], width), min(crop_size[1], height)
    return round((width - w) / 2), round((height - h) / 2), w, h


def _size(
    step: Mapping[str, Any], width: int, height: int
) -> tuple[int, int]:
    """Width and height after a resizing, as mmcv and mmpretrain round it."""
    scale = step['scale']
    if step['type'] == 'Resize':
        if isinstance(scale, int):
            return scale, scale
        return scale[0], scale[1]
    edge = step.get('edge', 'short')
    by_width = (
        edge == 'width'
        or (edge == 'short' and width < height)
        or (edge == 'long' and width > height)
    )
    if by_width:
        return scale, int(scale * height / width)
    return int(scale * width / height), scale


def _resize(
    image: np.ndarray, size: tuple[int, int], step: Mapping[str, Any]
) -> np.ndarray:
    name = step.get('interpolation', 'bilinear')
    if step.get('backend', 'cv2') == 'cv2':
        return cv2.resize(image, size, interpolation=CV2[name])
    return np.asarray(Image.fromarray(image).resize(size, PILLOW[name]))
