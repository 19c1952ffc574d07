"""The files of gallery images, to show them."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mmc2f.apis.image_inputs import read_image

__all__ = ['GalleryImages', 'read_rgb']


class GalleryImages:
    """Finds gallery images by their ids, where their files are at hand.

    An id is a path below a data root of the training set, or, of an image
    that was added later, a whole path.

    Args:
        cfg: Config of the model.
    """

    def __init__(self, cfg: Mapping[str, Any]) -> None:
        loader = cfg.get('train_dataloader') or {}
        roots = _data_roots(loader.get('dataset'))
        self._roots = ('', *dict.fromkeys(roots))

    def read(self, image_id: str) -> np.ndarray | None:
        """RGB image ``(H, W, 3)``; ``None``: no such file, or a broken one."""
        for root in self._roots:
            path = os.path.join(root, image_id)
            if os.path.isfile(path):
                try:
                    return read_rgb(path)
                # A broken file makes decoders raise errors of any type.
                except Exception:
                    return None
        return None


def read_rgb(content: str | bytes) -> np.ndarray:
    """Decode a file, by its path or bytes, to RGB ``(H, W, 3)`` uint8.

    Raises:
        Exception: It is no image; broken files raise errors of any type.
    """
    return read_image(content)[:, :, ::-1].copy()


def _data_roots(part: Any) -> Iterator[str]:
    """Data roots of a data set, inside of wrappers too."""
    if isinstance(part, Mapping):
        if isinstance(part.get('data_root'), str):
            yield part['data_root']
        for value in part.values():
            yield from _data_roots(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            yield from _data_roots(value)
