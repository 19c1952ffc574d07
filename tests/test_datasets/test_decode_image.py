"""What is decoded, as it is by others, and what is refused."""

import io
import struct
import subprocess
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from mmc2f.decode_image import decode_image

END = b'\xff\xd9'
# Smooth, with some noise: coefficients of every size.
_rng = np.random.default_rng(0)
_slope = np.linspace(0, 200, 75)[:, None, None] + np.zeros((75, 101, 3))
RGB = np.clip(_slope + _rng.normal(0, 20, _slope.shape), 0, 255)
RGB = Image.fromarray(RGB.astype(np.uint8))
EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 10 10
%%EndComments
(/etc/passwd) (r) file
%%EOF
"""


def encoded(image=RGB, kind='JPEG', **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def by_opencv(content):
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize('mode', ['RGB', 'L'])
@pytest.mark.parametrize(
    'options',
    [
        dict(quality=75),
        dict(quality=95, subsampling='4:4:4'),
        dict(quality=30, subsampling='4:2:2'),
        dict(progressive=True),
        dict(restart_marker_blocks=2),
    ],
    ids=str,
)
def test_jpeg_is_decoded_as_by_opencv(mode, options):
    content = encoded(RGB.convert(mode), **options)
    decoded = decode_image(content)
    assert decoded.flags.c_contiguous and decoded.flags.writeable
    np.testing.assert_array_equal(decoded, by_opencv(content))


@pytest.mark.parametrize('orientation', range(1, 9))
def test_jpeg_is_turned_as_by_opencv(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(exif=exif)
    decoded = decode_image(content)
    assert decoded.flags.c_contiguous
    np.testing.assert_array_equal(decoded, by_opencv(content))


def test_damaged_exif_is_no_damage_of_the_image():
    content = encoded(exif=b'Exif\0\0MM\0*\xff\xff\xff\xff')
    np.testing.assert_array_equal(decode_image(content), by_opencv(content))


def test_first_of_several_pictures_counts():
    content = encoded(kind='MPO', save_all=True, append_images=[RGB.copy()])
    np.testing.assert_array_equal(decode_image(content), by_opencv(content))


def test_bytes_behind_the_end_are_no_damage():
    content = encoded()
    np.testing.assert_array_equal(
        decode_image(content + b'behind'), decode_image(content)
    )


JPEGS = {
    'colour': dict(),
    'grey': dict(image=RGB.convert('L')),
    'cmyk': dict(image=RGB.convert('CMYK')),
    'progressive': dict(progressive=True),
    'pictures': dict(kind='MPO', save_all=True, append_images=[RGB.copy()]),
}


@pytest.mark.parametrize('share', [0.4, 0.6, 0.9])
@pytest.mark.parametrize('end', [b'', END], ids=['cut', 'end'])
@pytest.mark.parametrize('kind', JPEGS)
def test_cut_jpeg_is_refused(kind, end, share):
    content = encoded(**JPEGS[kind])
    if kind == 'pictures':
        # Of the first.
        content = content[: len(content) // 2]
    cut = content[: int(share * len(content))] + end
    # Others fill in grey.
    with pytest.raises(Exception, match='JPEG data are damaged'):
        decode_image(cut)


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('something_else', [False, True])
def test_part_of_a_jpeg_that_is_lost_is_noticed(something_else, seed):
    content, rng = encoded(quality=90), np.random.default_rng(seed)
    first = int(rng.integers(len(content) // 2, len(content) - 512))
    other = rng.bytes(512) if something_else else b''
    with pytest.raises(Exception, match='JPEG data are damaged'):
        decode_image(content[:first] + other + content[first + 512 :])


def test_flipped_bit_of_a_png_is_noticed():
    content = bytearray(encoded(kind='PNG'))
    for place in np.linspace(60, len(content) - 20, 20).astype(int):
        content[place] ^= 1
        with pytest.raises(Exception, match='data stream'):
            decode_image(bytes(content))
        content[place] ^= 1


@pytest.mark.parametrize('start', [0.5, 0.7])
@pytest.mark.parametrize('byte', [b'\x00', b'\xff\xd0', b'\xff\xc0'])
def test_jpeg_that_is_damaged_in_the_middle_is_refused(byte, start):
    content = bytearray(encoded())
    first = int(start * len(content))
    content[first : first + 300] = byte * (300 // len(byte))
    with pytest.raises(Exception, match='JPEG data are damaged'):
        decode_image(bytes(content))


@pytest.mark.parametrize('kind', ['PNG', 'WEBP', 'GIF', 'TIFF', 'BMP', 'PPM'])
def test_other_kinds_are_decoded_and_refused_when_cut(kind):
    options = dict(lossless=True) if kind == 'WEBP' else {}
    content = encoded(kind=kind, **options)
    decoded = decode_image(content)
    assert decoded.shape == (75, 101, 3)
    if kind != 'GIF':
        np.testing.assert_array_equal(decoded[..., ::-1], np.asarray(RGB))
    with pytest.raises((OSError, ValueError)):
        decode_image(content[: len(content) // 2])


def test_no_program_is_started_for_an_image(monkeypatch):
    """Pillow hands EPS to Ghostscript, by content and not by name."""
    started = []
    monkeypatch.setattr(
        subprocess, 'Popen', lambda *args, **kwargs: started.append(args)
    )
    with Image.open(io.BytesIO(EPS)) as image:
        assert image.format == 'EPS'
    with pytest.raises(ValueError, match=r'none of JPEG, PNG, .* and PPM'):
        decode_image(EPS)
    assert not started


@pytest.mark.parametrize('kind', ['PCX', 'TGA', 'ICO', 'SGI', 'PDF'])
def test_rare_kinds_are_refused(kind):
    with pytest.raises(ValueError, match='none of JPEG'):
        decode_image(encoded(kind=kind))


def huge_png():
    head = b'IHDR' + struct.pack('>IIBBBBB', 20000, 20000, 8, 2, 0, 0, 0)
    chunk = struct.pack('>I', 13) + head + struct.pack('>I', zlib.crc32(head))
    return encoded(kind='PNG')[:8] + chunk + encoded(kind='PNG')[33:]


def huge_jpeg():
    content = bytearray(encoded())
    size = content.index(b'\xff\xc0') + 5
    content[size : size + 4] = struct.pack('>HH', 20000, 20000)
    return bytes(content)


@pytest.mark.parametrize('content', [huge_png, huge_jpeg])
def test_too_many_pixels_are_refused_before_they_are_decoded(
    content, monkeypatch
):
    monkeypatch.setattr('PIL.ImageFile.ImageFile.load', None)
    monkeypatch.setattr('simplejpeg.decode_jpeg', None)
    before = Image.MAX_IMAGE_PIXELS
    message = '20000 x 20000 pixels, more than max_pixels=100000000'
    with pytest.raises(ValueError, match=message):
        decode_image(content())
    assert before == Image.MAX_IMAGE_PIXELS


def test_limit_can_be_changed_in_both_directions(monkeypatch):
    content = encoded(kind='PNG')
    with pytest.raises(ValueError, match=r'101 x 75 pixels.*max_pixels=7574'):
        decode_image(content, max_pixels=7574)
    # Pillow itself refuses twice its limit.
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1000)
    for limit in (7575, None):
        assert decode_image(content, limit).shape == (75, 101, 3)


@pytest.mark.parametrize('orientation', [1, 6])
def test_large_jpegs_can_be_decoded_smaller(orientation):
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((640, 480), Image.BILINEAR)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, 'jpeg', quality=95, exif=exif)
    whole = decode_image(file.getvalue())
    turned = orientation == 6
    for least, edge in ((480, 480), (479, 480), (200, 240), (10, 60)):
        small = decode_image(file.getvalue(), min_edge=least)
        size = (edge, edge * 4 // 3)
        assert small.shape[:2] == (size[::-1] if turned else size)
    # The same picture, but for how it was made smaller.
    half = decode_image(file.getvalue(), min_edge=240)
    expected = Image.fromarray(whole).resize(half.shape[1::-1], Image.BOX)
    assert np.abs(half.astype(int) - np.asarray(expected)).mean() < 2
    # Nothing is made larger, and other kinds are left at full scale.
    assert decode_image(file.getvalue(), min_edge=2000).shape == whole.shape
    file = io.BytesIO()
    image.save(file, 'png')
    assert decode_image(file.getvalue(), min_edge=100).shape == (480, 640, 3)
