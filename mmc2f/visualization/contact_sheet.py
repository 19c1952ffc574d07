"""Pictures of many classes, framed by group."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from mmc2f.visualization.style import (
    check_image,
    fit_text,
    group_colour,
    label_font,
)

__all__ = ['contact_sheet']

GAP = 8
CAPTION = 18
TITLE = 24
BACKGROUND, PANEL, INK = '#ffffff', '#f4f4f4', '#202020'


class _Block(NamedTuple):
    """A group's frame: its place in the sequence and its columns."""

    place: int
    columns: int
    width: int
    height: int


def contact_sheet(
    groups: Sequence[tuple[str, Sequence[tuple[str, np.ndarray]]]],
    thumb: int = 112,
    columns: int = 12,
) -> np.ndarray:
    """Lay out named pictures in framed groups, as in the paper's Fig. 3.

    Small groups share a row; a group wider than the sheet takes several
    rows of its own.

    Args:
        groups: For each group its title and its pictures: a caption and an
            RGB ``(H, W, 3)`` uint8 image each.
        thumb: Side of a picture on the sheet, in pixels.
        columns: Pictures in a full row.

    Returns:
        RGB ``(H, W, 3)`` uint8.

    Raises:
        ValueError: There is no group, an empty group, or a picture that is
            not RGB uint8.
    """
    if not groups:
        raise ValueError('A contact sheet needs at least one group.')
    for title, pictures in groups:
        if not pictures:
            raise ValueError(f'Group {title!r} has no picture.')
        for caption, image in pictures:
            check_image(image, f'picture {caption!r}')
    cell = thumb + GAP
    sizes = [len(pictures) for _, pictures in groups]
    blocks = [_block(i, size, cell, columns) for i, size in enumerate(sizes)]
    width = columns * cell + 3 * GAP
    places = list(_places(blocks, width))
    height = max(y + block.height for block, _, y in places) + GAP
    sheet = Image.new('RGB', (width, height), BACKGROUND)
    for block, x, y in places:
        title, pictures = groups[block.place]
        _draw_block(sheet, block, x, y, title, pictures, thumb)
    return np.asarray(sheet)


def _block(place: int, size: int, cell: int, columns: int) -> _Block:
    across = min(size, columns)
    down = -(-size // across)
    return _Block(
        place,
        across,
        across * cell + GAP,
        TITLE + down * (cell + CAPTION) + GAP,
    )


def _places(
    blocks: list[_Block], width: int
) -> Iterator[tuple[_Block, int, int]]:
    """Upper left corner of each block, rows filled from left to right."""
    x, y, row = GAP, GAP, 0
    for block in blocks:
        if x > GAP and x + block.width + GAP > width:
            x, y, row = GAP, y + row + GAP, 0
        yield block, x, y
        x += block.width + GAP
        row = max(row, block.height)


def _draw_block(
    sheet: Image.Image,
    block: _Block,
    x: int,
    y: int,
    title: str,
    pictures: Sequence[tuple[str, np.ndarray]],
    thumb: int,
) -> None:
    draw = ImageDraw.Draw(sheet)
    colour = group_colour(block.place)
    draw.rectangle(
        (x, y, x + block.width - 1, y + block.height - 1),
        fill=PANEL,
        outline=colour,
        width=3,
    )
    bold, plain = label_font(14, bold=True), label_font(11)
    text = fit_text(title, bold, block.width - 2 * GAP)
    draw.text((x + GAP, y + 5), text, fill=INK, font=bold)
    cell = thumb + GAP
    for index, (caption, image) in enumerate(pictures):
        down, across = divmod(index, block.columns)
        left = x + GAP + across * cell
        top = y + TITLE + down * (cell + CAPTION) + 2
        fitted = ImageOps.fit(Image.fromarray(image), (thumb, thumb))
        sheet.paste(fitted, (left, top))
        text = fit_text(caption, plain, thumb)
        draw.text((left, top + thumb + 2), text, fill=INK, font=plain)
