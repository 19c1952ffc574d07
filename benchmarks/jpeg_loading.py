"""Loading of 448 crops from JPEG files against torchvision's own decoder.

Both make an image 600 pixels wide and high and cut 448 out of it, as the
training pipeline of the birds does. ``mmc2f.LoadImage(min_edge=600)`` decodes
a large file at a reduced scale.

Example:
    python -m benchmarks jpeg_loading --images 8
"""

import io

import cv2
import numpy as np
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms import InterpolationMode
from torchvision.transforms import v2 as transforms

from benchmarks.figures import (
    Figure,
    interleaved,
    parser,
    ratios,
    report,
    set_threads,
)
from mmc2f.decode_image import decode_image

EDGE, CROP = 600, 448


def photograph(size: tuple[int, int], seed: int) -> bytes:
    """A JPEG with detail at every scale."""
    rng = np.random.default_rng(seed)
    total = np.zeros((size[1], size[0], 3), np.float32)
    for cells in (4, 16, 64, 256):
        grid = rng.normal(0, 1, (cells, cells, 3)).astype(np.float32)
        total += cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)
    pixels = np.clip(128 + 30 * total, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, 'jpeg', quality=90)
    return file.getvalue()


def main(argv: list[str] | None = None) -> list[Figure]:
    options = parser(__doc__, rounds=9)
    options.add_argument('--images', type=int, default=16)
    options.add_argument(
        '--size', type=int, nargs=2, default=(1600, 1200), help='width, height'
    )
    args = options.parse_args(argv)
    # One worker of a loader.
    set_threads(1)
    cv2.setNumThreads(1)
    size = (args.size[0], args.size[1])
    files = [photograph(size, seed) for seed in range(args.images)]
    tensors = [
        torch.frombuffer(bytearray(file), dtype=torch.uint8) for file in files
    ]
    resize = transforms.Resize(
        (EDGE, EDGE), InterpolationMode.BICUBIC, antialias=True
    )
    start = (EDGE - CROP) // 2

    def theirs() -> None:
        for tensor in tensors:
            image = resize(decode_jpeg(tensor, ImageReadMode.RGB))
            image[:, start : start + CROP, start : start + CROP].contiguous()

    def ours(min_edge: int | None) -> None:
        for file in files:
            image = decode_image(file, min_edge=min_edge)
            image = cv2.resize(
                image, (EDGE, EDGE), interpolation=cv2.INTER_CUBIC
            )
            image = image[start : start + CROP, start : start + CROP]
            torch.from_numpy(image.transpose(2, 0, 1).copy())

    seconds = interleaved(
        {
            'reduced': lambda: ours(EDGE),
            'whole': lambda: ours(None),
            'torchvision': theirs,
        },
        args.rounds,
        args.clock,
    )
    figures = [
        Figure(
            row=8,
            work=title,
            against='torchvision decode, resize, crop',
            rounds=ratios(seconds, name, 'torchvision'),
            limit=limit,
            note=f'JPEG of {size[0]} x {size[1]}',
        )
        for name, title, limit in (
            ('reduced', 'LoadImage(min_edge=600), resize, crop', 0.7),
            ('whole', 'LoadImage, resize, crop', None),
        )
    ]
    report(figures, args.json)
    return figures


if __name__ == '__main__':
    main()
