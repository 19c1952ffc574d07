"""Looks at every image once: can it be read, and what does it look like."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from mmc2f.decode_image import decode_image

__all__ = ['Look', 'Unreadable', 'examine', 'look_at']

#: Side of the small copies that are compared, in pixels.
SIDE = 32
# Files that are read ahead of the one that is asked for, for each thread.
_AHEAD = 4
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, eq=False)
class Look:
    """What an image looks like, in 3 kB.

    Attributes:
        hash: Perceptual hash, 64 bits in a ``uint64``.
        small: Copy of the image, ``(SIDE, SIDE, 3)`` uint8 RGB.
        size: Width and height of the image, in pixels.
    """

    hash: np.uint64
    small: np.ndarray
    size: tuple[int, int]

    @property
    def contrast(self) -> float:
        """Standard deviation of the luminance, 0 to 127.5."""
        return float(luminance(self.small).std())


@dataclass(frozen=True)
class Unreadable:
    """Why an image cannot be used, as the end of a sentence."""

    reason: str


def examine(
    paths: Sequence[str | Path], threads: int | None = None
) -> Iterator[Look | Unreadable]:
    """Look at images, several at a time.

    Args:
        paths: Files.
        threads: How many at a time. ``None``: one for each core.

    Yields:
        What :func:`look_at` says of each, in the order of the paths.

    Raises:
        ImportError: imagehash is not installed.
    """
    _require_imagehash()
    count = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(count) as pool:
        # Not pool.map, which would take all files at once.
        rest = iter(paths)
        first = islice(rest, count * _AHEAD)
        waiting = deque(pool.submit(look_at, path) for path in first)
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(
                pool.submit(look_at, path) for path in islice(rest, 1)
            )


def look_at(path: str | Path) -> Look | Unreadable:
    """Decode an image as the training does, and hash it.

    The hash is the DCT hash of :func:`imagehash.phash`.
    """
    from imagehash import phash

    try:
        os.fsencode(path).decode('utf-8')
    except UnicodeDecodeError:
        return Unreadable(
            'its name is not UTF-8, which a table cannot hold; rename it'
        )
    try:
        bgr = decode_image(Path(path).read_bytes())
    # A broken file makes the decoders raise errors of any type.
    except Exception as error:
        return Unreadable(str(error) or type(error).__name__)
    image = Image.fromarray(np.ascontiguousarray(bgr[:, :, ::-1]))
    small = image.resize((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=3.0)
    bits = phash(small).hash.ravel()
    packed = np.packbits(bits).view(np.uint64)[0]
    return Look(packed, np.asarray(small), image.size)


def luminance(small: np.ndarray) -> np.ndarray:
    """ITU-R 601 luma, ``(..., SIDE, SIDE)`` float32."""
    return small.astype(np.float32) @ _LUMA


def _require_imagehash() -> None:
    try:
        import imagehash  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'looking for near duplicates needs imagehash, which is not '
            'installed; run: pip install imagehash'
        ) from error
