"""Rendering of words as a poor photograph of print would show them."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

__all__ = ['render_words']

# Font sizes are given for a canvas of this many pixels.
REFERENCE_SIZE = 128


def render_words(
    words: list[str], font_file: Path, size: int, rng: np.random.Generator
) -> Image.Image:
    """One image of words, one per line, as a poor photograph would show them.

    Args:
        words: Lines of the text.
        font_file: TrueType file of the face.
        size: Height and width of the image, in pixels.
        rng: Source of all random choices.

    Returns:
        RGB image.
    """
    scale = size / REFERENCE_SIZE
    points = rng.uniform(20, 40) * scale
    text = _draw_text(words, font_file, points)
    ink_mask = _place(text, size, rng)
    mask = np.asarray(ink_mask, np.float64)[..., None] / 255
    paper, ink = _paper_and_ink(size, rng)
    picture = paper * (1 - mask) + ink * mask
    # The blur grows with the letters, so that small ones stay readable.
    # Noise comes after it, as in a camera: it is never smoothed.
    blurred = Image.fromarray(_to_bytes(picture)).filter(
        ImageFilter.GaussianBlur(rng.uniform(0, 0.05) * points)
    )
    noise = rng.normal(0, rng.uniform(2, 12), (size, size, 3))
    return Image.fromarray(_to_bytes(np.asarray(blurred) + noise))


def _draw_text(
    words: list[str], font_file: Path, points: float
) -> Image.Image:
    """Ink coverage of the text, cut to its bounding box."""
    # The basic layout engine gives the same picture with and without raqm.
    font = ImageFont.truetype(
        str(font_file), points, layout_engine=ImageFont.Layout.BASIC
    )
    text = '\n'.join(words)
    spacing = points * 0.25
    draw = ImageDraw.Draw(Image.new('L', (1, 1)))
    box = draw.multiline_textbbox((0, 0), text, font=font, spacing=spacing)
    left, top, right, bottom = np.floor(box).astype(int) + [-1, -1, 2, 2]
    image = Image.new('L', (int(right - left), int(bottom - top)))
    ImageDraw.Draw(image).multiline_text(
        (-left, -top), text, fill=255, font=font, spacing=spacing
    )
    return image


def _place(
    text: Image.Image, size: int, rng: np.random.Generator
) -> Image.Image:
    """Warp the text by a random homography onto a square canvas."""
    width, height = text.size
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    quad = corners * [width / 2, height / 2]
    # Far less slant than an oblique cut has (about 0.2), or the label of a
    # sheared upright face would be wrong.
    quad[:, 0] += rng.uniform(-0.06, 0.06) * quad[:, 1]
    angle = np.deg2rad(rng.uniform(-15, 15))
    cos, sin = np.cos(angle), np.sin(angle)
    quad = quad @ np.array([[cos, sin], [-sin, cos]])
    quad += rng.uniform(-0.03, 0.03, quad.shape) * [width, height]
    # Shrink what does not fit, then put it anywhere it does.
    room = size - 4
    extent = np.ptp(quad, axis=0)
    quad *= min(1.0, *(room / extent))
    low, extent = quad.min(axis=0), np.ptp(quad, axis=0)
    quad += 2 - low + rng.uniform(0, 1, 2) * (room - extent)
    source = (corners + 1) / 2 * [width, height]
    return text.transform(
        (size, size),
        Image.Transform.PERSPECTIVE,
        _homography(quad, source),
        resample=Image.Resampling.BICUBIC,
    )


def _homography(source: np.ndarray, target: np.ndarray) -> list[float]:
    """Eight coefficients that take four points to four others."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        values += [u, v]
    return np.linalg.solve(np.array(rows), np.array(values)).tolist()


def _paper_and_ink(
    size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A paper with uneven light, and an ink that stands out from it."""
    low_contrast = rng.random() < 0.2
    contrast = rng.uniform(45, 75) if low_contrast else rng.uniform(90, 190)
    darker = rng.uniform(10, 245 - contrast)
    levels = [darker, darker + contrast]
    if rng.random() < 0.3:
        levels.reverse()
    ink, paper = (level + rng.uniform(-20, 20, 3) for level in levels)
    # Light falls off along a random direction.
    direction = rng.normal(size=2)
    direction /= np.linalg.norm(direction)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    light = (direction[0] * x + direction[1] * y) * rng.uniform(0, 20)
    return paper + light[..., None], ink


def _to_bytes(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
