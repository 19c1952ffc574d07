"""Loading whatever a folder of images may hold."""

import io
import logging
from typing import Any, Literal

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio
from mmengine.logging import print_log
from PIL import Image, ImageOps

from mmc2f.datasets.requirements import DATA_HINT
from mmc2f.registry import TRANSFORMS

__all__ = ['LoadImage', 'decode_image', 'pil_to_bgr']

JPEG_END = b'\xff\xd9'
WHITE = (255, 255, 255)
SIXTEEN_BIT_MAX = 65535


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Load an image file as 8-bit BGR, whatever its kind.

    Takes the place of mmcv's ``LoadImageFromFile``, which differs in that it
    drops an alpha channel and shows what lay hidden below, or, by the other
    back end, clips 16-bit images to white; see :func:`decode_image`.

    Required key: ``img_path``. Where ``img`` is there already, as in
    mmpretrain's inferencers, it is left as it is.
    Added keys: ``img`` ``(H, W, 3)`` uint8 in the order B, G, R,
    ``img_shape`` and ``ori_shape``, both ``(H, W)``.

    Args:
        on_error: What to do with a file that is there but cannot be read or
            is truncated. ``'raise'`` stops and names it. ``'skip'`` warns
            once for each file, counts and returns ``None``: in training
            MMEngine then takes another sample at random, in testing it
            stops. Each worker process warns and counts for itself.
        backend_args: Of ``mmengine.fileio.get``, for remote files.

    Raises:
        FileNotFoundError: There is no such file, whatever ``on_error`` says.
        OSError: The file cannot be read and ``on_error`` is ``'raise'``.
    """

    def __init__(
        self,
        on_error: Literal['raise', 'skip'] = 'raise',
        backend_args: dict[str, Any] | None = None,
    ) -> None:
        if on_error not in ('raise', 'skip'):
            raise ValueError(
                f"on_error must be 'raise' or 'skip', got {on_error!r}"
            )
        self.on_error = on_error
        self.backend_args = backend_args
        self.skip_counts: dict[str, int] = {}

    @property
    def num_skipped(self) -> int:
        """How many times this process has skipped a sample."""
        return sum(self.skip_counts.values())

    def transform(self, results: dict) -> dict | None:
        """Add the image to ``results``; ``None`` where it is skipped."""
        if 'img' in results:
            return results
        path = results['img_path']
        try:
            image = decode_image(fileio.get(path, self.backend_args))
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f'image {path} does not exist; {DATA_HINT}'
            ) from error
        # A broken file makes the decoders raise errors of any type.
        except Exception as error:
            if self.on_error == 'skip':
                self._count_skip(path, error)
                return None
            raise OSError(
                f'image {path} cannot be read: {error}. Repair or remove it, '
                "or skip such files by LoadImage's on_error='skip'"
            ) from error
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(on_error={self.on_error!r})'

    def _count_skip(self, path: str, error: Exception) -> None:
        first = path not in self.skip_counts
        self.skip_counts[path] = self.skip_counts.get(path, 0) + 1
        if first:
            print_log(
                f'skipped image {path}, which cannot be read: {error} '
                f'({len(self.skip_counts)} such files so far)',
                logger='current',
                level=logging.WARNING,
            )


def decode_image(content: bytes) -> np.ndarray:
    """Decode an image file to 8-bit BGR.

    Grey becomes three equal channels, palettes and CMYK become RGB, 16-bit
    values are divided by 257 so that their full range stays, transparent
    parts show white, and the EXIF orientation is applied. Of several frames
    the first counts.

    Args:
        content: The bytes of the file.

    Returns:
        ``(H, W, 3)`` uint8 in the order B, G, R.

    Raises:
        Exception: The bytes are truncated or no known image, or hold 32-bit
            or floating-point values, whose range is undefined.
    """
    if not content:
        raise ValueError('the file is empty')
    with Image.open(io.BytesIO(content)) as image:
        if _is_plain_jpeg(image, content):
            return _decode_jpeg(content)
        return pil_to_bgr(image)


def pil_to_bgr(image: Image.Image) -> np.ndarray:
    """An image of PIL as :func:`decode_image` gives that of a file."""
    rgb = np.asarray(_to_rgb(ImageOps.exif_transpose(image)))
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _is_plain_jpeg(image: Image.Image, content: bytes) -> bool:
    """Whether OpenCV decodes the file right, which it does faster.

    Some of its versions fill a truncated JPEG with grey in silence, so a
    file without the end marker is left to PIL.
    """
    return (
        image.format == 'JPEG'
        and image.mode in ('L', 'RGB')
        and content.endswith(JPEG_END)
    )


def _decode_jpeg(content: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError('its JPEG data are damaged')
    return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == 'F':
        raise ValueError('floating-point images have no defined range')
    if image.mode.startswith('I'):
        return _scale_16_bit(image).convert('RGB')
    if image.mode in ('RGBA', 'LA', 'PA') or 'transparency' in image.info:
        layer = image.convert('RGBA')
        paper = Image.new('RGBA', layer.size, (*WHITE, 255))
        return Image.alpha_composite(paper, layer).convert('RGB')
    return image.convert('RGB')


def _scale_16_bit(image: Image.Image) -> Image.Image:
    # Mode 'I' is 32 bits wide, but PIL uses it for some 16-bit files too.
    values = np.asarray(image, dtype=np.int64)
    if values.min() < 0 or values.max() > SIXTEEN_BIT_MAX:
        raise ValueError('32-bit images have no defined range')
    return Image.fromarray((values / 257).round().astype(np.uint8))
