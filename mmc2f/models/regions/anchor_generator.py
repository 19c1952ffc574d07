from collections import OrderedDict
from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
import torch

from mmc2f.models.regions.anchor_set import AnchorSet
from mmc2f.registry import TASK_UTILS

__all__ = ['AnchorGenerator']

Size = tuple[int, int]

# Inputs of a training run have one size, rarely a few; the bound only keeps a
# service that sees every size from growing.
MAX_CACHED_SETS = 16


@TASK_UTILS.register_module()
class AnchorGenerator:
    """Lays a regular grid of boxes over the image, at fixed scales.

    An anchor of scale s and ratio r has the area s^2, the height s * sqrt(r)
    and the width s / sqrt(r). A level of ``(h, w)`` cells on a ``(H, W)``
    image has its centres at ((x + 0.5) * W / w, (y + 0.5) * H / h). Anchors
    at the border reach beyond the image.

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
        self._cache: OrderedDict[Any, AnchorSet] = OrderedDict()

    @property
    def num_levels(self) -> int:
        return len(self.scales)

    @property
    def num_base_anchors(self) -> list[int]:
        """Anchors at each position, for each level."""
        return [len(level) * len(self.ratios) for level in self.scales]

    @property
    def num_scales(self) -> int:
        """Number of distinct scales over all levels."""
        return len(self.distinct_scales)

    def grid(
        self,
        image_size: Size,
        feature_sizes: Sequence[Size],
        device: torch.device | str = 'cpu',
    ) -> AnchorSet:
        """Anchors in the order level, y, x, scale, ratio.

        The same arguments return the same object, so that whatever is derived
        from a set is derived once.

        Args:
            image_size: (H, W) of the network input.
            feature_sizes: (h, w) of each level's map, the finest first.
            device: Where the tensors are made.

        Raises:
            ValueError: When the number of levels differs from ``scales``, a
                size is not positive, or an anchor is larger than the image.
        """
        image_size = (int(image_size[0]), int(image_size[1]))
        sizes = tuple((int(h), int(w)) for h, w in feature_sizes)
        if torch.compiler.is_compiling():
            # Tensors made while tracing are stand-ins: never keep them.
            return self._make_set(image_size, sizes, device)
        key = (image_size, sizes, str(torch.device(device)))
        if key not in self._cache:
            # Made outside inference mode, else training after a validation
            # could not use them.
            with torch.inference_mode(False):
                self._cache[key] = self._make_set(image_size, sizes, device)
            if len(self._cache) > MAX_CACHED_SETS:
                self._cache.popitem(last=False)
        return self._cache[key]

    def _make_set(
        self,
        image_size: Size,
        feature_sizes: tuple[Size, ...],
        device: torch.device | str,
    ) -> AnchorSet:
        self._check_sizes(image_size, feature_sizes)
        boxes, scale_ids = [], []
        members: list[list[np.ndarray]] = [[] for _ in range(self.num_scales)]
        first = 0
        for level, (h, w) in enumerate(feature_sizes):
            shapes, ids = self._base_shapes(level, image_size)
            boxes.append(_tile(shapes, (h, w), image_size))
            scale_ids += ids * (h * w)
            # Reading them off scale_ids would take a synchronisation, and a
            # shape that a compiler cannot know.
            rows = np.arange(first, first + h * w * len(ids)).reshape(
                h * w, -1
            )
            for scale in dict.fromkeys(ids):
                columns = [i for i, other in enumerate(ids) if other == scale]
                members[scale].append(rows[:, columns].reshape(-1))
            first += rows.size
        return AnchorSet(
            boxes=torch.as_tensor(
                np.concatenate(boxes).astype(np.float32), device=device
            ),
            scale_ids=torch.tensor(scale_ids, device=device),
            image_size=image_size,
            members=tuple(
                torch.as_tensor(np.concatenate(indices), device=device)
                for indices in members
            ),
        )

    def _base_shapes(
        self, level: int, image_size: Size
    ) -> tuple[np.ndarray, list[int]]:
        """(n, 2) widths and heights in pixels, and n scale ids."""
        factor = 1.0
        if self.reference_size is not None:
            factor = min(image_size) / self.reference_size
        shapes, ids = [], []
        for scale in self.scales[level]:
            for ratio in self.ratios:
                side = scale * factor
                height, width = side * sqrt(ratio), side / sqrt(ratio)
                # Allow for the rounding of sqrt when an anchor just fits.
                if max(height - image_size[0], width - image_size[1]) > 1e-6:
                    raise ValueError(
                        f'the anchor of scale {scale} and ratio {ratio} is '
                        f'{height:.1f} x {width:.1f} pixels (height x width), '
                        f'larger than the image of {image_size[0]} x '
                        f'{image_size[1]}: use larger images or smaller scales'
                    )
                shapes.append((width, height))
                ids.append(self.distinct_scales.index(scale))
        return np.array(shapes), ids

    def _check_sizes(
        self, image_size: Size, feature_sizes: tuple[Size, ...]
    ) -> None:
        if len(feature_sizes) != self.num_levels:
            raise ValueError(
                f'AnchorGenerator has scales for {self.num_levels} feature '
                f'levels, got {len(feature_sizes)} feature maps: give `scales`'
                f' one entry a level'
            )
        for name, size in [
            ('image_size', image_size),
            *(('feature_sizes', size) for size in feature_sizes),
        ]:
            if min(size) < 1:
                raise ValueError(f'{name} must be positive, got {size}')

    def __getstate__(self) -> dict[str, Any]:
        # The sets are cheap to make again, on the device of the reader.
        return {**self.__dict__, '_cache': OrderedDict()}

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
