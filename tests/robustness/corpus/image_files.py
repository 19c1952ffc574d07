"""Images that are damaged, or none at all."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from corpus.bench import Bench
from corpus.case import Case
from corpus.code_in_files import write_child_of
from corpus.world import CLUSTERING, SIZE

NAMED = r'{} cannot be read: '


def encoded(kind: str) -> bytes:
    """A picture in a format: grey that rises, with noise as of a camera."""
    rows = np.linspace(20, 220, SIZE)[:, None, None]
    noise = np.random.default_rng(0).normal(0, 8, (SIZE, SIZE, 3))
    pixels = np.clip(rows + noise, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def cut(kind: str) -> bytes:
    """The first three quarters of a file."""
    content = encoded(kind)
    return content[: len(content) * 3 // 4]


def with_end() -> bytes:
    """Cut short, with the marker of an end appended."""
    return cut('JPEG') + b'\xff\xd9'


def corrupt(filling: bytes) -> bytes:
    """Some bytes in the middle are others.

    A JPEG has no checksum, so that not all such damage can be noticed: in
    pictures of pure noise, the codes may fall into step again.
    """
    content = bytearray(encoded('JPEG'))
    place = len(content) * 3 // 4
    content[place : place + len(filling)] = filling
    return bytes(content)


def header_of_png(width: int, height: int) -> bytes:
    """A PNG of so many pixels, of which there are none."""
    fields = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    chunks = [
        (b'IHDR', fields),
        (b'IDAT', zlib.compress(b'\0')),
        (b'IEND', b''),
    ]
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(data))
        + kind
        + data
        + struct.pack('>I', zlib.crc32(kind + data))
        for kind, data in chunks
    )


def of_floats() -> bytes:
    stream = io.BytesIO()
    values = np.linspace(0, 1, SIZE * SIZE, dtype=np.float32)
    Image.fromarray(values.reshape(SIZE, SIZE)).save(stream, 'TIFF')
    return stream.getvalue()


EPS = (
    b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n'
    b'showpage\n%%EOF\n'
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'
CONTENTS = {
    'empty': b'',
    'text': b'<html>not found</html>',
    'JPEG cut short': cut('JPEG'),
    'JPEG cut short with an end': with_end(),
    'JPEG with zeros in the middle': corrupt(bytes(60)),
    'JPEG with other bytes in the middle': corrupt(bytes(range(100, 160))),
    'PNG cut short': cut('PNG'),
    'EPS named .jpg': EPS,
    'SVG named .jpg': SVG,
    'ICO named .jpg': encoded('ICO'),
    'TIFF of floats': of_floats(),
    'header of 100 megapixels': header_of_png(10_001, 10_000),
    'header of 4 gigapixels': header_of_png(65_535, 65_535),
}


def spoil(bench: Bench, split: str, content: bytes, number: int = 0) -> Path:
    """Replace an image of a copy of the data; gives the copy."""
    images = bench.images()
    path = images / bench.world.image(split, number).relative_to(
        bench.world.images
    )
    path.unlink()
    path.with_suffix('.jpg').write_bytes(content)
    return images


def in_test(content: bytes):
    def run(bench: Bench) -> None:
        images = spoil(bench, 'test', content)
        bench.test(bench.world.checkpoint, f'data_root={images}')

    return run


def in_training(content: bytes, *options: str, count: int = 1):
    def run(bench: Bench) -> None:
        for number in range(count):
            images = spoil(bench, 'train', content, number)
        bench.train(f'data_root={images}', *options)

    return run


def in_training_of_views(bench: Bench) -> None:
    images = spoil(bench, 'train', with_end())
    bench.train(f'data_root={images}', config=bench.world.mlph)


def in_test_of_views(bench: Bench) -> None:
    images = spoil(bench, 'test', with_end())
    bench.train(f'data_root={images}', config=bench.world.mlph)
    bench.test(
        *('work/epoch_2.pth', f'data_root={images}'), config=bench.world.mlph
    )


def in_gallery(bench: Bench) -> None:
    images = spoil(bench, 'train', with_end())
    bench.test(bench.world.checkpoint, '--rerank', f'data_root={images}')


def in_hierarchy(bench: Bench) -> None:
    images = spoil(bench, 'train', with_end())
    bench.tool(
        *('build_hierarchy', bench.world.config, bench.world.checkpoint),
        *('--cfg-options', f'data_root={images}'),
    )


def in_clustering(bench: Bench) -> None:
    images = spoil(bench, 'train', with_end())
    tree = dict(CLUSTERING, _delete_=True)
    config = write_child_of(bench, bench.folder / 'child.py', tree=tree)
    bench.train(f'data_root={images}', config=config)


def not_utf_8(bench: Bench, content: bytes) -> Path:
    """An image whose name is not UTF-8, in a copy of the data."""
    images = bench.images()
    folder = images / bench.world.image().parent.relative_to(
        bench.world.images
    )
    (folder / os.fsdecode(b'caf\xe9.png')).write_bytes(content)
    return images


def good_name_not_utf_8(bench: Bench) -> None:
    images = not_utf_8(bench, encoded('PNG'))
    bench.test(
        *(bench.world.checkpoint, '--out', 'predictions.jsonl'),
        f'data_root={images}',
    )
    print((bench.folder / 'predictions.jsonl').read_text())


def bad_name_not_utf_8(bench: Bench) -> None:
    images = not_utf_8(bench, b'no image')
    bench.test(bench.world.checkpoint, f'data_root={images}')


def asked_for(content: bytes):
    return lambda b: b.infer(str(b.write('bad.jpg', content)))


CASES = [
    *[
        Case(f'{name}, in a test', in_test(content), NAMED.format(r'0\.jpg'))
        for name, content in CONTENTS.items()
    ],
    *[
        Case(
            f'{name}, in a training',
            in_training(CONTENTS[name]),
            r'skipped image .*train/amber/0\.jpg, .*\(1 such files so far\)',
            refuses=False,
        )
        for name in ('empty', 'JPEG cut short with an end', 'EPS named .jpg')
    ],
    *[
        Case(
            f'{name}, asked for',
            asked_for(CONTENTS[name]),
            r"'error': '.*bad\.jpg cannot be read: ",
            refuses=False,
        )
        for name in ('JPEG cut short', 'header of 4 gigapixels', 'text')
    ],
    Case(
        'more damaged than max_damaged_images',
        in_training(b'', 'max_damaged_images=2', count=3),
        r'\.jpg cannot be read.* one more than .*2',
    ),
    Case(
        'damaged with max_damaged_images=0',
        in_training(b'', 'max_damaged_images=0'),
        NAMED.format(r'0\.jpg'),
    ),
    Case(
        'damaged, in a training of several views',
        in_training_of_views,
        r'skipped image .*0\.jpg',
        refuses=False,
    ),
    Case(
        'damaged, in a test of several views',
        in_test_of_views,
        NAMED.format(r'0\.jpg'),
    ),
    Case('damaged, for a gallery', in_gallery, NAMED.format(r'0\.jpg')),
    Case('damaged, for a hierarchy', in_hierarchy, NAMED.format(r'0\.jpg')),
    Case('damaged, for the clusters', in_clustering, NAMED.format(r'0\.jpg')),
    Case(
        'name that is not UTF-8',
        good_name_not_utf_8,
        r'caf\\udce9\.png',
        refuses=False,
    ),
    Case(
        'name that is not UTF-8, damaged',
        bad_name_not_utf_8,
        r'caf\\xe9\.png cannot be read',
    ),
]
