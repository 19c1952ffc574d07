"""Small pictures that are all different, and quick to draw."""

from pathlib import Path

import numpy as np
from PIL import Image


def draw(path: Path, seed: int, side: int = 64) -> Path:
    """Write a picture of coarse random patches; its seed decides it."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = Image.fromarray(patches).resize((side, side), Image.BICUBIC)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def draw_folder(folder: Path, classes: tuple[str, ...], count: int) -> None:
    """So many different pictures in each directory of a class."""
    for place, name in enumerate(classes):
        for index in range(count):
            draw(folder / name / f'{index}.png', count * place + index)
