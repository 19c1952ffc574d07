"""Rendering of words as a poor photograph of print would show them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

__all__ = ['RenderedWords', 'render_words']

# Font sizes are given for a canvas of this many pixels.
REFERENCE_SIZE = 128


class RenderedWords(NamedTuple):
    """An image of words, and where in it they stand.

    Coordinates are in pixels of the image and continuous: pixel i reaches
    from i to i + 1.

    Args:
        image: RGB image.
        box: Bounding box (left, top, right, bottom) of the ink.
        letters: ``(L, 2)`` x and y of each letter's centre, in reading order.
    """

    image: Image.Image
    box: tuple[int, int, int, int]
    letters: np.ndarray


def render_words(
    words: list[str], font_file: Path, size: int, rng: np.random.Generator
) -> RenderedWords:
    """One image of words, one per line, as a poor photograph would show them.

    Args:
        words: Lines of the text.
        font_file: TrueType file of the face.
        size: Height and width of the image, in pixels.
        rng: Source of all random choices.
    """
    scale = size / REFERENCE_SIZE
    points = rng.uniform(20, 40) * scale
    text, letters = _draw_text(words, font_file, points)
    quad = _choose_quad(text.size, size, rng)
    ink_mask = _warp(text, quad, size)
    mask = np.asarray(ink_mask, np.float64)[..., None] / 255
    paper, ink = _paper_and_ink(size, rng)
    picture = paper * (1 - mask) + ink * mask
    # The blur grows with the letters, so that small ones stay readable.
    # Noise comes after it, as in a camera: it is never smoothed.
    blurred = Image.fromarray(_to_bytes(picture)).filter(
        ImageFilter.GaussianBlur(rng.uniform(0, 0.05) * points)
    )
    noise = rng.normal(0, rng.uniform(2, 12), (size, size, 3))
    image = Image.fromarray(_to_bytes(np.asarray(blurred) + noise))
    placed = _project(letters, _homography(_corners(text.size), quad))
    box = ink_mask.getbbox()
    # The text was cut to its ink, so that there is some.
    assert box is not None
    return RenderedWords(image, box, placed)


def _draw_text(
    words: list[str], font_file: Path, points: float
) -> tuple[Image.Image, np.ndarray]:
    """Ink coverage of the text, cut to its bounding box.

    Returns:
        The coverage, and ``(L, 2)`` x and y of the middle of each letter's
        box: as wide as its advance, as high as its ink.
    """
    # The basic layout engine gives the same picture with and without raqm.
    font = ImageFont.truetype(
        str(font_file), points, layout_engine=ImageFont.Layout.BASIC
    )
    # As Pillow spaces lines.
    pitch = font.getbbox('A')[3] + points * 0.25
    lines = [(word, i * pitch) for i, word in enumerate(words)]
    boxes = [_shift(font.getbbox(word), 0, y) for word, y in lines]
    low, high = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
    left, top = np.floor(low).astype(int) - 1
    right, bottom = np.floor(high).astype(int) + 2
    image = Image.new('L', (int(right - left), int(bottom - top)))
    draw = ImageDraw.Draw(image)
    for word, y in lines:
        draw.text((-left, y - top), word, fill=255, font=font)
    letters = [
        _shift(box, -left, y - top)
        for word, y in lines
        for box in _letter_boxes(word, font)
    ]
    return image, np.reshape(letters, (-1, 2, 2)).mean(axis=1)


def _letter_boxes(
    word: str, font: ImageFont.FreeTypeFont
) -> list[tuple[float, float, float, float]]:
    """Box of each letter of a word that starts at the origin."""
    boxes = []
    for i, letter in enumerate(word):
        # Not the length up to it, which lacks the kerning of the pair.
        start = font.getlength(word[: i + 1]) - font.getlength(letter)
        boxes.append(_shift(font.getbbox(letter), start, 0))
    return boxes


def _shift(
    box: tuple[float, float, float, float], x: float, y: float
) -> tuple[float, float, float, float]:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def _choose_quad(
    text_size: tuple[int, int], size: int, rng: np.random.Generator
) -> np.ndarray:
    """Where the corners of the text go on a square canvas.

    Args:
        text_size: Width and height of the text.
        size: Side of the canvas.
        rng: Source of the choices.

    Returns:
        ``(4, 2)`` x and y, in the order of :func:`_corners`.
    """
    width, height = text_size
    quad = _corners(text_size) - [width / 2, height / 2]
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
    return quad + 2 - low + rng.uniform(0, 1, 2) * (room - extent)


def _corners(size: tuple[int, int]) -> np.ndarray:
    """Corners of a picture of (width, height), clockwise from top left."""
    return np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float) * size


def _warp(text: Image.Image, quad: np.ndarray, size: int) -> Image.Image:
    """The text with its corners in a quad, on a square canvas."""
    return text.transform(
        (size, size),
        Image.Transform.PERSPECTIVE,
        _homography(quad, _corners(text.size)),
        resample=Image.Resampling.BICUBIC,
    )


def _project(points: np.ndarray, homography: list[float]) -> np.ndarray:
    """Points ``(N, 2)`` under a homography."""
    matrix = np.append(homography, 1).reshape(3, 3)
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return mapped[:, :2] / mapped[:, 2:]


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
