from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch

from mmc2f.models.regions.anchor_set import AnchorSet

__all__ = ['AnchorGrid', 'Size']

Size = tuple[int, int]

# Inputs of a training run have one size, rarely a few; the bound only keeps a
# service that sees every size from growing.
MAX_CACHED_SETS = 16


class AnchorGrid(ABC):
    """Anchors on every cell of some feature maps, made once an input size.

    Args:
        name: What errors call the generator.
        scale_ids: For each feature level, the finest first, the scale of
            each anchor of a cell. Scales count from 0 in order of first
            appearance. A scale that stands at several levels counts as one:
            its anchors compete with each other in scale-separated NMS.
    """

    def __init__(self, name: str, scale_ids: Sequence[Sequence[int]]) -> None:
        self.name = name
        self.scale_ids = tuple(map(tuple, scale_ids))
        self._cache: OrderedDict[Any, AnchorSet] = OrderedDict()

    @property
    def num_levels(self) -> int:
        return len(self.scale_ids)

    @property
    def num_base_anchors(self) -> list[int]:
        """Anchors at each position, for each level."""
        return [len(ids) for ids in self.scale_ids]

    @property
    def num_scales(self) -> int:
        """Number of distinct scales over all levels."""
        return 1 + max(chain.from_iterable(self.scale_ids))

    def grid(
        self,
        image_size: Size,
        feature_sizes: Sequence[Size],
        device: torch.device | str = 'cpu',
    ) -> AnchorSet:
        """Anchors in the order level, y, x, and that of a cell.

        The same arguments return the same object, so that whatever is derived
        from a set is derived once.

        Args:
            image_size: (H, W) of the network input.
            feature_sizes: (h, w) of each level's map, the finest first.
            device: Where the tensors are made.

        Raises:
            ValueError: When the number of levels is another, a size is not
                positive, or an anchor is larger than the image.
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

    @abstractmethod
    def _boxes(
        self, image_size: Size, feature_sizes: tuple[Size, ...]
    ) -> list[np.ndarray]:
        """For each level the boxes (h * w * n, 4) in the order y, x, cell."""

    def _make_set(
        self,
        image_size: Size,
        feature_sizes: tuple[Size, ...],
        device: torch.device | str,
    ) -> AnchorSet:
        self._check_sizes(image_size, feature_sizes)
        boxes = np.concatenate(self._boxes(image_size, feature_sizes))
        scale_ids: list[int] = []
        members: list[list[np.ndarray]] = [[] for _ in range(self.num_scales)]
        first = 0
        for ids, (h, w) in zip(self.scale_ids, feature_sizes, strict=True):
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
            boxes=torch.as_tensor(boxes.astype(np.float32), device=device),
            scale_ids=torch.tensor(scale_ids, device=device),
            image_size=image_size,
            members=tuple(
                torch.as_tensor(np.concatenate(indices), device=device)
                for indices in members
            ),
        )

    def _check_sizes(
        self, image_size: Size, feature_sizes: tuple[Size, ...]
    ) -> None:
        if len(feature_sizes) != self.num_levels:
            raise ValueError(
                f'{self.name} has scales for {self.num_levels} feature '
                f'levels, got {len(feature_sizes)} feature maps: give it one '
                f'entry per level'
            )
        for name, size in [
            ('image_size', image_size),
            *(('feature_sizes', size) for size in feature_sizes),
        ]:
            if min(size) < 1:
                raise ValueError(f'{name} must be positive, got {size}')

    @staticmethod
    def _check_fits(
        image_size: Size, width: float, height: float, anchor: str
    ) -> None:
        # Allow for the rounding of sqrt when an anchor just fits.
        if max(height - image_size[0], width - image_size[1]) > 1e-6:
            raise ValueError(
                f'the {anchor} is {height:.1f} x {width:.1f} pixels (height '
                f'x width), larger than the image of {image_size[0]} x '
                f'{image_size[1]}: use larger images or smaller scales'
            )

    def __getstate__(self) -> dict[str, Any]:
        # The sets are cheap to make again, on the device of the reader.
        return {**self.__dict__, '_cache': OrderedDict()}
