"""Colours and lettering that all pictures share."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import ImageFont

__all__ = [
    'PALETTE',
    'RIGHT',
    'WRONG',
    'check_image',
    'fit_text',
    'group_colour',
    'label_font',
]

#: Okabe and Ito's colours, told apart with any colour vision.
PALETTE = ('#e69f00', '#56b4e9', '#cc79a7', '#009e73', '#f0e442', '#0072b2')
#: Frames of right and wrong answers, from the same set of colours.
RIGHT, WRONG = '#009e73', '#d55e00'


def group_colour(index: int) -> str:
    """Colour of the group ``index``; the palette repeats."""
    return PALETTE[index % len(PALETTE)]


@cache
def label_font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib ships it, ``size`` pixels high."""
    import matplotlib

    name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'
    path = Path(matplotlib.get_data_path()) / 'fonts' / 'ttf' / name
    return ImageFont.truetype(str(path), size)


def fit_text(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """Shorten a text in its middle until it is at most ``width`` pixels.

    Names of fine classes differ at either end, so both stay.
    """
    if font.getlength(text) <= width:
        return text
    for kept in range(len(text) - 1, 0, -1):
        head = (kept + 1) // 2
        short = text[:head] + '…' + text[len(text) - (kept - head) :]
        if font.getlength(short) <= width:
            return short
    return '…'


def check_image(image: np.ndarray, name: str = 'image') -> None:
    """Check for an RGB picture.

    Raises:
        ValueError: ``image`` is not ``(H, W, 3)`` uint8.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(
            f'{name} must be RGB (H, W, 3) uint8, got shape {image.shape} '
            f'and {image.dtype}.'
        )
