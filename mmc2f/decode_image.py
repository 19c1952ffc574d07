"""Decoding whatever a folder of images may hold, and nothing else."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import simplejpeg
from PIL import Image, ImageOps, UnidentifiedImageError

__all__ = [
    'FORMATS',
    'MAX_PIXELS',
    'TooManyPixels',
    'decode_image',
    'pil_to_bgr',
]

#: Pillow knows many more, and starts Ghostscript for an EPS file, whatever
#: the file is called.
FORMATS = ('JPEG', 'PNG', 'WEBP', 'BMP', 'GIF', 'TIFF', 'PPM')
#: A JPEG with further pictures behind the first is one of these.
JPEG = ('JPEG', 'MPO')
MAX_PIXELS = 100_000_000
WHITE = (255, 255, 255)
SIXTEEN_BIT_MAX = 65535
ORIENTATION = 0x0112


class TooManyPixels(ValueError):
    """An image is larger than is allowed, by its header."""


def decode_image(
    content: bytes,
    max_pixels: int | None = MAX_PIXELS,
    min_edge: int | None = None,
) -> np.ndarray:
    """Decode an image file to 8-bit BGR.

    Grey becomes three equal channels, palettes and CMYK become RGB, 16-bit
    values are divided by 257 so that their full range stays, transparent
    parts show white, and the EXIF orientation is applied. Of several frames
    the first counts.

    Args:
        content: The bytes of the file: JPEG, PNG, WebP, BMP, GIF, TIFF or
            PPM, whatever its name is.
        max_pixels: Images of more pixels are refused before they are
            decoded; ``None`` for no limit.
        min_edge: Where a JPEG is larger, decode it at the smallest of the
            scales 1/8, 1/4, 3/8, 1/2 that leaves the shorter edge this many
            pixels or more. ``None``, and all other kinds: at full scale.

    Returns:
        ``(H, W, 3)`` uint8 in the order B, G, R.

    Raises:
        Exception: The bytes are damaged or no known image, have too many
            pixels, or hold 32-bit or floating-point values, whose range is
            undefined. Of a JPEG each warning of the decoder counts: where
            data are missing it fills in grey. It notices what is lost, but
            often not what is changed, for a JPEG has no checksum.
    """
    if not content:
        raise ValueError('the file is empty')
    with _without_pillow_limit(), _opened(content) as image:
        _check_size(image.size, max_pixels)
        if image.format in JPEG:
            if image.mode in ('L', 'RGB'):
                return _upright(_decode_jpeg(content, 'BGR', min_edge), image)
            # Pillow, which knows colours better, decodes it again.
            _decode_jpeg(content, 'CMYK')
        return pil_to_bgr(image)


def pil_to_bgr(image: Image.Image) -> np.ndarray:
    """An image of PIL as :func:`decode_image` gives that of a file."""
    rgb = np.asarray(_to_rgb(ImageOps.exif_transpose(image)))
    return np.ascontiguousarray(rgb[:, :, ::-1])


@contextmanager
def _without_pillow_limit() -> Iterator[None]:
    """Lift Pillow's own limit, one for the process, which ours replaces."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _opened(content: bytes) -> Image.Image:
    """The image, of which only the header has been read."""
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        # Its message has a name that the user does not know.
        raise ValueError(
            f'it is none of {", ".join(FORMATS[:-1])} and {FORMATS[-1]}, or '
            'its header is damaged'
        ) from None


def _check_size(size: tuple[int, int], max_pixels: int | None) -> None:
    width, height = size
    if max_pixels is not None and width * height > max_pixels:
        raise TooManyPixels(
            f'it has {width} x {height} pixels, more than max_pixels='
            f'{max_pixels} of LoadImage'
        )


def _decode_jpeg(
    content: bytes, colours: str, min_edge: int | None = None
) -> np.ndarray:
    edge = min_edge or 0
    try:
        return simplejpeg.decode_jpeg(
            content,
            colours,
            min_height=edge,
            min_width=edge,
            # Scales between 1/2 and 1 take longer than 1.
            min_factor=2,
            strict=True,
        )
    except ValueError as error:
        raise ValueError(f'its JPEG data are damaged ({error})') from error


def _upright(pixels: np.ndarray, image: Image.Image) -> np.ndarray:
    """Apply the EXIF orientation of the file that the pixels are of."""
    orientation = _orientation(image)
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _orientation(image: Image.Image) -> int:
    """From 1, upright, to 8; 1 where it cannot be read."""
    if 'exif' not in image.info:
        return 1
    exif = Image.Exif()
    try:
        exif.load(image.info['exif'])
        return int(exif.get(ORIENTATION, 1))
    # Damaged EXIF data make Pillow raise errors of any type.
    except Exception:
        return 1


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
