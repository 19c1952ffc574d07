"""The images that a caller means: files, folders, patterns, arrays, bytes."""

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine import fileio
from PIL import Image

from mmc2f.datasets.image_folder import EXTENSIONS
from mmc2f.decode_image import (
    decode_image,
    pil_to_bgr,
)
from mmc2f.retrieval.image_ids import image_id

__all__ = ['ImageInput', 'find_images', 'images_below', 'read_image']

BYTES = (bytes, bytearray, memoryview)
#: What is one input, though some of it can be iterated over.
SINGLE = (str, os.PathLike, *BYTES, np.ndarray, Image.Image)
KINDS = (
    'an image is a path, an address, bytes of a file, a PIL image or an '
    'array (H, W, 3) of uint8 in the order B, G, R'
)


@dataclass(frozen=True)
class ImageInput:
    """One image that is asked for.

    Attributes:
        name: Its path, or ``image N`` with its place among the inputs.
        content: Path, bytes, array or PIL image.
        error: Why there is none, else ``None``.
    """

    name: str
    content: Any = None
    error: str | None = None


def find_images(inputs: Any) -> Iterable[ImageInput]:
    """Spell out what may be many images; nothing is decoded.

    Args:
        inputs: One of the following, or an iterable of them: the path of an
            image or its address; a folder, which means the image files in it
            and below, sorted; a pattern as of :mod:`glob`, with ``**`` for
            any folders; the bytes of a file; a PIL image; an array; an
            :class:`ImageInput`, which is taken as it is.

    Returns:
        A list; an iterator where ``inputs`` is one, which is then read no
        further than needed. What is not there is an entry with an error.
    """
    # Tensors too: one is no list of images.
    is_single = isinstance(inputs, SINGLE) or hasattr(inputs, 'shape')
    if is_single or not isinstance(inputs, Iterable):
        inputs = [inputs]
    found = _expand_all(inputs)
    return found if isinstance(inputs, Iterator) else list(found)


def read_image(
    content: Any, backend_args: dict[str, Any] | None = None
) -> np.ndarray:
    """Decode what an :class:`ImageInput` holds.

    Args:
        content: See there.
        backend_args: Of ``mmengine.fileio.get``, for paths.

    Returns:
        ``(H, W, 3)`` uint8 in the order B, G, R, see :func:`decode_image`.

    Raises:
        Exception: It is no image; broken files raise errors of any type.
    """
    if isinstance(content, str):
        content = fileio.get(content, backend_args)
    if isinstance(content, BYTES):
        return decode_image(bytes(content))
    if isinstance(content, Image.Image):
        return pil_to_bgr(content)
    if not isinstance(content, np.ndarray):
        raise TypeError(f'{KINDS}, but this is of {type(content).__name__}')
    if content.ndim == 2:
        content = np.stack([content] * 3, axis=-1)
    is_image = content.ndim == 3 and content.shape[2] == 3 and content.size
    if not is_image or content.dtype != np.uint8:
        raise ValueError(
            f'{KINDS}, but this is {content.shape} of {content.dtype}'
        )
    return content


def _expand_all(inputs: Iterable) -> Iterator[ImageInput]:
    for place, item in enumerate(inputs):
        if isinstance(item, ImageInput):
            yield item
        elif isinstance(item, (str, os.PathLike)):
            yield from _expand(os.fspath(item))
        else:
            yield ImageInput(image_id(None, None, place), item)


def _expand(path: str) -> Iterator[ImageInput]:
    """The images of a path."""
    if '://' in path or os.path.isfile(path):
        yield ImageInput(path, path)
        return
    if os.path.isdir(path):
        names, error = images_below(path), f'folder {path} has no image'
    elif glob.has_magic(path):
        names = filter(os.path.isfile, sorted(glob.glob(path, recursive=True)))
        error = f'no file is called {path}'
    else:
        names, error = iter(()), f'image {path} does not exist'
    is_empty = True
    for name in names:
        is_empty = False
        yield ImageInput(name, name)
    if is_empty:
        yield ImageInput(path, error=error)


def images_below(folder: str) -> Iterator[str]:
    """Image files in a folder and below, by their endings, sorted."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(EXTENSIONS):
                yield os.path.join(place, name)
