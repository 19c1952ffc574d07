"""Images from a browser: decoded within limits, or refused in a sentence."""

import base64
import struct
import zlib

import numpy as np
import pytest
from sent_files import file_uri, image_uri

from mmc2f.web.upload import Refused, Upload, UploadLimits, data_uri

LIMITS = UploadLimits(megabytes=0.02, megapixels=0.01)
SQUARE = np.arange(30 * 20 * 3, dtype=np.uint8).reshape(30, 20, 3)


def png_header(width: int, height: int) -> bytes:
    """A PNG that has nothing but a size."""

    def chunk(name: bytes, content: bytes) -> bytes:
        body = name + content
        crc = struct.pack('>I', zlib.crc32(body))
        return struct.pack('>I', len(content)) + body + crc

    size = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', size) + chunk(b'IDAT', b'')


def test_decodes_as_everywhere():
    upload = Upload.decode(image_uri(SQUARE), LIMITS)
    assert np.array_equal(upload.pixels, SQUARE[:, :, ::-1])
    assert np.array_equal(upload.shown, SQUARE)


def test_what_is_shown_is_reduced():
    upload = Upload(np.zeros((1000, 3000, 3), np.uint8))
    assert upload.shown.shape == (240, 720, 3)


def test_an_image_goes_into_a_page_and_out_again():
    flat = np.full((50, 80, 3), 200, np.uint8)
    limits = UploadLimits(megabytes=1, megapixels=1)
    back = Upload.decode(data_uri(flat, 40), limits)
    assert back.pixels.shape == (25, 40, 3)
    assert abs(back.pixels.astype(int) - 200).max() < 4


@pytest.mark.parametrize(
    ('sent', 'words'),
    [
        (None, 'No image'),
        (7, 'No image'),
        ('', 'No image'),
        (['data:image/png;base64,'], 'No image'),
        ('unreadable', 'No image'),
        ('/etc/passwd', 'No image'),
        ('file:///etc/passwd', 'No image'),
        ('http://example.org/a.png', 'No image'),
        ('data:image/png,plain', 'No image'),
        ('data:image/png;base64,@@@@', 'not arrived whole'),
        ('data:image/png;base64,abc', 'not arrived whole'),
        ('data:image/png;base64,é', 'not arrived whole'),
        ('data:image/png;base64,', 'cannot be read'),
        ('too large', 'more than 0.02 MB'),
        (file_uri(b'no image'), 'cannot be read'),
        (file_uri(b'%!PS-Adobe-3.0 EPSF-3.0\n', 'image/png'), 'JPEG'),
        (file_uri(b'<svg xmlns="http://www.w3.org/2000/svg"/>'), 'JPEG'),
        (file_uri(png_header(10, 10)), 'cannot be read'),
        (file_uri(png_header(101, 100)), 'more than 0.01 million pixels'),
        (file_uri(png_header(60_000, 60_000)), 'million pixels'),
        (file_uri(bytes(20_001)), 'more than 0.02 MB'),
        ('data:;base64,' + 'A' * 200_000, 'more than 0.02 MB'),
    ],
)
def test_refused_in_a_sentence(sent, words):
    with pytest.raises(Refused, match=words) as caught:
        Upload.decode(sent, LIMITS)
    # What a decoder has said stays here.
    assert caught.value.__suppress_context__ or not caught.value.__context__
    assert 'object at 0x' not in str(caught.value)


def test_a_truncated_image_is_refused():
    whole = base64.b64decode(image_uri(SQUARE).partition(',')[2])
    with pytest.raises(Refused, match='damaged'):
        Upload.decode(file_uri(whole[: len(whole) // 2]), LIMITS)


def test_the_largest_file_fits_into_a_request():
    sent = file_uri(bytes(LIMITS.max_bytes))
    assert len(sent) < LIMITS.max_request


@pytest.mark.parametrize('name', ['megabytes', 'megapixels', 'seconds'])
@pytest.mark.parametrize('value', [0, -1, float('nan'), float('inf')])
def test_limits_are_positive_and_finite(name, value):
    with pytest.raises(ValueError, match=name):
        UploadLimits(**{name: value})
