"""Which damage of a JPEG its decoder notices.

Damages pictures of smooth colours with noise at places drawn at random in
their compressed data, and counts: refused, decoded to the same pixels, or
decoded to others without a word. docs/configs.md has the outcome.

Example:
    python benchmarks/jpeg_damage.py --tries 240
"""

import argparse
import io
from collections import Counter
from collections.abc import Callable

import numpy as np
from PIL import Image

from mmc2f.decode_image import decode_image

SIZE = 256, 192
BLOCK = 512
KINDS = {
    'sequential': dict(),
    'progressive': dict(progressive=True),
    'with restart markers': dict(restart_marker_rows=1),
}
Damage = Callable[[bytearray, int, np.random.Generator], bytes]


def flip_bit(content: bytearray, at: int, rng: np.random.Generator) -> bytes:
    content[at] ^= 1 << int(rng.integers(8))
    return bytes(content)


def zero(content: bytearray, at: int, rng: np.random.Generator) -> bytes:
    content[at : at + BLOCK] = bytes(BLOCK)
    return bytes(content)


def remove(content: bytearray, at: int, rng: np.random.Generator) -> bytes:
    return bytes(content[:at] + content[at + BLOCK :])


def overwrite(content: bytearray, at: int, rng: np.random.Generator) -> bytes:
    content[at : at + BLOCK] = rng.bytes(BLOCK)
    return bytes(content)


def cut(content: bytearray, at: int, rng: np.random.Generator) -> bytes:
    return bytes(content[:at]) + b'\xff\xd9'


DAMAGES: dict[str, Damage] = {
    'one bit flipped': flip_bit,
    '512 bytes zero': zero,
    '512 bytes missing': remove,
    '512 bytes of something else': overwrite,
    'cut short, with an end marker': cut,
}


def picture(rng: np.random.Generator) -> Image.Image:
    """Smooth colours with some noise, as a photograph compresses."""
    width, height = SIZE
    colours = rng.integers(0, 255, (height // 16, width // 16, 3), np.uint8)
    smooth = Image.fromarray(colours).resize(SIZE, Image.Resampling.BICUBIC)
    noisy = np.asarray(smooth) + rng.normal(0, 6, (height, width, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def outcome(content: bytes, pixels: np.ndarray) -> str:
    try:
        found = decode_image(content)
    except Exception:
        return 'refused'
    return 'same' if np.array_equal(found, pixels) else 'not noticed'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--tries', type=int, default=240)
    tries = parser.parse_args().tries
    for kind, options in KINDS.items():
        rng = np.random.default_rng(0)
        stream = io.BytesIO()
        picture(rng).save(stream, 'JPEG', quality=90, **options)
        content = stream.getvalue()
        pixels = decode_image(content)
        # Behind the header of the first scan.
        first = content.index(b'\xff\xda') + 14
        for name, damage in DAMAGES.items():
            counts = Counter(
                outcome(damage(bytearray(content), at, rng), pixels)
                for at in rng.integers(first, len(content) - BLOCK, tries)
            )
            print(f'{kind}, {name}: {dict(counts)}')


if __name__ == '__main__':
    main()
