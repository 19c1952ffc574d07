"""Boxes of the chosen regions on an image."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from mmc2f.visualization.style import check_image, group_colour, label_font

__all__ = ['draw_regions']

BACKDROP = (20, 20, 20)


def draw_regions(
    image: np.ndarray,
    boxes: np.ndarray | Tensor,
    scores: np.ndarray | Tensor | None = None,
    labels: Sequence | np.ndarray | Tensor | None = None,
) -> np.ndarray:
    """Draw boxes, one colour a scale group, on a copy of an image.

    Args:
        image: RGB ``(H, W, 3)`` uint8.
        boxes: ``(R, 4)`` xyxy in pixels of ``image``; parts outside are cut.
        scores: ``(R,)``, written at the box; None writes nothing.
        labels: ``(R,)`` scale group of each box, named in a legend in order
            of appearance; None draws all in one colour, without a legend.

    Returns:
        RGB ``(H, W, 3)`` uint8.

    Raises:
        ValueError: The image is not RGB uint8, or lengths differ.
    """
    check_image(image)
    boxes = np.asarray(boxes, dtype=float)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f'boxes must be (R, 4), got {boxes.shape}.')
    groups = _groups(labels, len(boxes))
    tags = [''] * len(boxes)
    if scores is not None:
        tags = [f'{float(score):.2f}' for score in np.asarray(scores)]
    if len(tags) != len(boxes) or len(groups) != len(boxes):
        raise ValueError(
            f'{len(boxes)} boxes with {len(tags)} scores and {len(groups)} '
            'labels; there must be as many of each.'
        )
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    size = min(canvas.size)
    width, font = max(2, round(size / 110)), label_font(max(9, size // 24))
    names = list(dict.fromkeys(groups))
    colours = {name: group_colour(i) for i, name in enumerate(names)}
    # The best of each group comes first, so it is drawn last, on top.
    drawn = [*zip(boxes, tags, groups, strict=True)][::-1]
    for box, _, group in drawn:
        _draw_box(draw, box, colours[group], width, canvas.size)
    for box, tag, group in drawn:
        if tag:
            _draw_tag(draw, box, tag, colours[group], font, canvas.size)
    if labels is not None and colours:
        _draw_legend(draw, colours, font, boxes, canvas.size)
    return np.asarray(canvas)


def _groups(labels, count: int) -> list[str]:
    if labels is None:
        return [''] * count
    return [str(label) for label in np.asarray(labels).tolist()]


def _clip(box: np.ndarray, size: tuple[int, int]) -> list[float]:
    right, bottom = size[0] - 1, size[1] - 1
    low = np.clip(box[:2], 0, [right, bottom])
    high = np.clip(box[2:], low, [right, bottom])
    return [*low, *high]


def _draw_box(draw, box, colour, width, size) -> None:
    left, top, right, bottom = _clip(box, size)
    # A dark line on both sides shows the colour on any background.
    draw.rectangle(
        (left - 1, top - 1, right + 1, bottom + 1),
        outline=BACKDROP,
        width=width + 2,
    )
    draw.rectangle((left, top, right, bottom), outline=colour, width=width)


def _draw_tag(draw, box, tag, colour, font, size) -> None:
    """Score in the lower left corner of the box, clear of the legend."""
    left, top, right, bottom = draw.textbbox((0, 0), tag, font=font)
    wide, high = right - left + 6, bottom - top + 6
    box = _clip(box, size)
    x = min(box[0], size[0] - wide)
    y = max(0, min(box[3], size[1]) - high)
    draw.rectangle((x, y, x + wide - 1, y + high - 1), fill=colour)
    draw.text((x + 3 - left, y + 3 - top), tag, fill=BACKDROP, font=font)


def _draw_legend(draw, colours, font, boxes, size) -> None:
    """Name of each group, in the corner that hides least of the boxes."""
    line = sum(font.getmetrics()) + 2
    chip = line * 0.6
    wide = chip + 15 + max(font.getlength(name) for name in colours)
    high = line * len(colours) + 7
    corners = [
        (x, y)
        for y in (0, size[1] - 1 - high)
        for x in (0, size[0] - 1 - wide)
    ]
    left, top = min(corners, key=lambda at: _covered(boxes, at, (wide, high)))
    draw.rectangle((left, top, left + wide, top + high), fill=BACKDROP)
    for index, (name, colour) in enumerate(colours.items()):
        y = top + 4 + index * line
        middle = y + line / 2
        draw.rectangle(
            (
                left + 5,
                middle - chip / 2,
                left + 5 + chip,
                middle + chip / 2,
            ),
            fill=colour,
        )
        draw.text((left + chip + 10, y), name, fill='white', font=font)


def _covered(boxes: np.ndarray, corner, extent) -> float:
    """Area of the boxes, in sum, under a rectangle."""
    low = np.maximum(boxes[:, :2], corner)
    high = np.minimum(boxes[:, 2:], np.add(corner, extent))
    return np.clip(high - low, 0, None).prod(axis=1).sum()
