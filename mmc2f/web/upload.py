"""What a browser sends as an image, within limits."""

import base64
import binascii
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from mmc2f.decode_image import FORMATS, TooManyPixels, decode_image

__all__ = ['Refused', 'Upload', 'UploadLimits', 'data_uri']

#: ``data:image/png;base64,...``, as a browser reads a file.
SCHEME, ENCODING = 'data:', ';base64'
#: Set in place of a file by ``drop_image.js``.
TOO_LARGE = 'too large'
MEGA = 1_000_000
#: Of any limit: larger ones overflow where they are used.
MOST = 1e6
#: Base64 has four characters for three bytes, and JSON some around them.
BASE64, AROUND = 4 / 3, 64_000
#: Side of what is kept of an image, to be shown.
SHOWN = 720


class Refused(ValueError):
    """What was sent is refused, in a sentence for who has sent it."""


@dataclass(frozen=True)
class UploadLimits:
    """What one image may have and take.

    Attributes:
        megabytes: 10^6 bytes of its file.
        megapixels: 10^6 pixels, read from its header before it is decoded.
        seconds: From its arrival to the answer, see
            :class:`mmc2f.web.time_limit.TimeLimit`.
    """

    megabytes: float = 10.0
    megapixels: float = 25.0
    seconds: float = 30.0

    def __post_init__(self) -> None:
        for name in ('megabytes', 'megapixels', 'seconds'):
            value = getattr(self, name)
            if not 0 < value <= MOST:
                raise ValueError(
                    f'{name} must be above 0 and at most {MOST:g}, got {value}'
                )

    @property
    def max_bytes(self) -> int:
        return round(self.megabytes * MEGA)

    @property
    def max_pixels(self) -> int:
        return round(self.megapixels * MEGA)

    @property
    def max_request(self) -> int:
        """Bytes of a request that holds an image in Base64."""
        return round(self.max_bytes * BASE64) + AROUND


@dataclass(frozen=True)
class Upload:
    """An image that was sent.

    Attributes:
        pixels: ``(H, W, 3)`` uint8 in the order B, G, R.
    """

    pixels: np.ndarray

    @classmethod
    def decode(cls, sent: object, limits: UploadLimits) -> 'Upload':
        """Decode a data URI; the file is never written to a disk.

        Raises:
            Refused: It is no image, a damaged or a large one.
        """
        content = _content(sent, limits)
        try:
            return cls(decode_image(content, limits.max_pixels))
        except TooManyPixels:
            raise Refused(
                f'The image has more than {limits.megapixels:g} million '
                'pixels, which are taken at most.'
            ) from None
        # A broken file makes decoders raise errors of any type, with texts
        # that say more of this program than of the file.
        except Exception:
            raise Refused(
                'The file cannot be read as an image: it is damaged, or none '
                f'of {", ".join(FORMATS[:-1])} and {FORMATS[-1]}.'
            ) from None

    @property
    def shown(self) -> np.ndarray:
        """RGB, reduced to what a page shows."""
        image = Image.fromarray(self.pixels[:, :, ::-1])
        image.thumbnail((SHOWN, SHOWN))
        return np.asarray(image)


def data_uri(image: np.ndarray, side: int) -> str:
    """An image for the attribute ``src``, so that no file is served.

    Args:
        image: RGB ``(H, W, 3)`` uint8.
        side: Pixels that it is reduced to where it is larger.
    """
    picture, stream = Image.fromarray(image), io.BytesIO()
    picture.thumbnail((side, side))
    picture.save(stream, 'WEBP', quality=88, method=2)
    content = base64.b64encode(stream.getvalue()).decode('ascii')
    return f'{SCHEME}image/webp{ENCODING},{content}'


def _content(sent: object, limits: UploadLimits) -> bytes:
    """The bytes of the file."""
    large = Refused(
        f'The file has more than {limits.megabytes:g} MB, which are taken at '
        'most.'
    )
    if not isinstance(sent, str) or not sent:
        raise Refused('No image was sent.')
    if sent == TOO_LARGE or len(sent) > limits.max_request:
        raise large
    head, _, code = sent.partition(',')
    if not (head.startswith(SCHEME) and head.endswith(ENCODING)):
        raise Refused('No image was sent.')
    try:
        content = base64.b64decode(code, validate=True)
    except (binascii.Error, ValueError):
        raise Refused('The file has not arrived whole.') from None
    if len(content) > limits.max_bytes:
        raise large
    return content
