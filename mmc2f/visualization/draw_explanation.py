"""One answer on one page: boxes, scores, neighbours, tree and reason."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from mmc2f.visualization.draw_regions import draw_regions
from mmc2f.visualization.style import PALETTE, check_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ['draw_explanation']

#: The answer, the class that it replaced, and all others: dark blue, pink and
#: light grey, of different lightness for a print without colour. The boxes
#: have other colours.
ANSWER, BEFORE, OTHER = PALETTE[5], PALETTE[2], '#d0d0d0'
MOST_NEIGHBOURS = 8
MOST_BARS = 5
#: Sides in pixels: of the query at least, so that its lettering is sharp,
#: and of a thumbnail at most.
QUERY, THUMBNAIL = 640, 240
#: Characters in a line of the reason, and of a name.
LINE, NAME, SHORT_NAME = 62, 26, 17


def draw_explanation(
    answer: Mapping[str, Any],
    image: np.ndarray,
    thumbnails: Sequence[np.ndarray | None],
    sentences: Sequence[str],
    title: str = '',
) -> Figure:
    """Draw what an answer rests on.

    The answer is blue and bold everywhere; the class that it replaced, where
    re-ranking has changed it, is pink.

    Args:
        answer: Of :class:`mmc2f.C2FInferencer`.
        image: The image, RGB ``(H, W, 3)`` uint8, as the boxes have it.
        thumbnails: Of each neighbour of the answer in turn; ``None`` for one
            whose file is not at hand. The first eight are shown.
        sentences: The reason in words.
        title: Over the image.

    Returns:
        A figure with its own Agg canvas, ready for ``savefig``; no global
        state of matplotlib is touched.

    Raises:
        ValueError: An image is not RGB uint8, or there are not as many
            thumbnails as neighbours.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    check_image(image)
    neighbours = answer.get('neighbours', [])
    if len(thumbnails) != len(neighbours):
        raise ValueError(
            f'{len(neighbours)} neighbours need as many thumbnails, got '
            f'{len(thumbnails)}'
        )
    shown = list(zip(neighbours, thumbnails, strict=True))[:MOST_NEIGHBOURS]
    heights = [3.5, 1.35, 1.75][: 3 if shown else 2]
    figure = Figure(
        figsize=(11, sum(heights) + 0.6), dpi=150, layout='constrained'
    )
    FigureCanvasAgg(figure)
    # Two rows or three, so there is an array of them.
    rows: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
    colours = _colours(answer)
    _draw_top(rows[0], answer, image, title, colours)
    _draw_middle(rows[1], answer, sentences)
    if shown:
        rows[2].suptitle(
            'nearest gallery images, cosine similarity', fontsize=11
        )
        for place, (neighbour, thumbnail) in enumerate(shown, start=1):
            axes = rows[2].add_subplot(1, MOST_NEIGHBOURS, place)
            _draw_neighbour(axes, neighbour, thumbnail, colours)
    return figure


def _colours(answer: Mapping[str, Any]) -> dict[str, str]:
    """Of the classes that stand out."""
    return {
        answer['coarse_class']: BEFORE,
        answer['pred_class']: ANSWER,
    }


def _draw_top(row, answer, image, title, colours) -> None:
    """The image and the scores."""
    columns = [('probability', answer['coarse'], 'probability')]
    if 'reranked' in answer:
        columns = [
            ('probability before re-ranking', *columns[0][1:]),
            ('score after re-ranking', answer['reranked'], 'score'),
        ]
    grid = row.add_gridspec(1, 3, width_ratios=[1.15, 1, 1])
    axes = row.add_subplot(grid[0])
    axes.imshow(_with_boxes(image, answer.get('boxes', [])))
    axes.set(xticks=[], yticks=[])
    axes.set_title(_short(title, 36), fontsize=11, fontweight='bold')
    axes.spines[:].set_visible(False)
    for place, (heading, ranking, key) in enumerate(columns, start=1):
        axes = row.add_subplot(grid[place])
        _draw_bars(axes, heading, ranking[:MOST_BARS], key, colours)


def _with_boxes(image: np.ndarray, boxes: Sequence[Mapping]) -> np.ndarray:
    """The image, large enough for sharp lettering, with its boxes."""
    factor = max(1.0, QUERY / min(image.shape[:2]))
    if factor > 1:
        height, width = image.shape[:2]
        size = round(width * factor), round(height * factor)
        enlarged = Image.fromarray(image).resize(
            size, Image.Resampling.LANCZOS
        )
        image = np.asarray(enlarged)
    if not boxes:
        return image
    corners = np.array([box['box'] for box in boxes])
    sides = corners[:, 2] - corners[:, 0]
    return draw_regions(
        image,
        corners * factor,
        np.array([box['score'] for box in boxes]),
        [
            f'scale {box["scale"]} ({side:.0f} px)'
            for box, side in zip(boxes, sides, strict=True)
        ],
    )


def _draw_bars(
    axes: Axes,
    heading: str,
    ranking: Sequence[Mapping[str, Any]],
    key: str,
    colours: Mapping[str, str],
) -> None:
    names = [entry['class'] for entry in ranking]
    values = [entry[key] for entry in ranking]
    places = range(len(ranking))
    bars = axes.barh(
        places,
        values,
        height=0.46,
        color=[colours.get(name, OTHER) for name in names],
        edgecolor='#404040',
        linewidth=0.6,
    )
    axes.bar_label(bars, fmt='%.3f', padding=3, fontsize=9)
    # Over their bars: beside them, long names would leave these no room.
    for place, name in enumerate(names):
        axes.annotate(
            _short(name, NAME),
            (0, place - 0.27),
            (4, 0),
            textcoords='offset points',
            fontsize=10,
            fontweight='bold' if colours.get(name) == ANSWER else 'normal',
            va='bottom',
        )
    axes.set_title(heading, fontsize=11)
    axes.set(xlim=(0, 1.2 * max([*values, 1e-6])), xticks=[], yticks=[])
    axes.set_ylim(MOST_BARS - 0.5, -0.9)
    axes.spines[:].set_visible(False)
    axes.spines['left'].set_visible(True)


def _draw_middle(row, answer, sentences: Sequence[str]) -> None:
    """The path in the tree, coarse to fine, and the reason."""
    levels = answer.get('levels', [])[::-1]
    grid = row.add_gridspec(
        1, 2, width_ratios=[1, 1.6] if levels else [0.001, 1]
    )
    if levels:
        _draw_path(row.add_subplot(grid[0]), answer, levels)
    axes = row.add_subplot(grid[1])
    axes.set_axis_off()
    lines = [
        line
        for sentence in sentences
        for line in textwrap.wrap(
            sentence,
            LINE if levels else 2 * LINE,
            initial_indent='• ',
            subsequent_indent='   ',
        )
    ]
    axes.set_title('why', fontsize=11, loc='left')
    axes.text(
        0,
        1,
        '\n'.join(lines),
        fontsize=10,
        va='top',
        linespacing=1.35,
        transform=axes.transAxes,
    )


def _draw_path(axes: Axes, answer, levels: Sequence[Mapping]) -> None:
    """What the answer belongs to, a line each, indented level by level."""
    axes.set_axis_off()
    axes.set_title('path in the tree', fontsize=11, loc='left')
    step = 1 / max(3, len(levels))
    for depth, level in enumerate(levels):
        name = level['of_answer'] or 'not in the tree'
        probability = ''
        if level['of_answer'] == level['class']:
            probability = f' {level["probability"]:.2f}'
        is_answer = depth == len(levels) - 1
        axes.text(
            0.06 * depth,
            1 - step * depth,
            ('└ ' if depth else '')
            + f'{level["level"]}: {_short(name, NAME)}{probability}',
            fontsize=10,
            va='top',
            fontweight='bold' if is_answer else 'normal',
            color=ANSWER if is_answer else 'black',
            transform=axes.transAxes,
        )


def _draw_neighbour(
    axes: Axes,
    neighbour: Mapping[str, Any],
    thumbnail: np.ndarray | None,
    colours: Mapping[str, str],
) -> None:
    name = neighbour['class']
    axes.set(xticks=[], yticks=[])
    if thumbnail is None:
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect='equal', facecolor='#ececec')
        axes.text(0.5, 0.5, 'file not\nat hand', ha='center', va='center')
    else:
        check_image(thumbnail, f'the neighbour of class {name!r}')
        small = Image.fromarray(thumbnail)
        small.thumbnail((THUMBNAIL, THUMBNAIL))
        axes.imshow(np.asarray(small))
    is_answer = colours.get(name) == ANSWER
    axes.set_title(
        _short(name, SHORT_NAME),
        fontsize=8,
        fontweight='bold' if is_answer else 'normal',
    )
    axes.set_xlabel(f'{neighbour["similarity"]:.3f}', fontsize=9)
    axes.spines[:].set(
        color=colours.get(name, OTHER), linewidth=4 if is_answer else 3
    )


def _short(name: str, longest: int) -> str:
    """Shortened in its middle: names of fine classes differ at the ends."""
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f'{name[:half]}…{name[len(name) - half :]}'
