"""One prediction before and after re-ranking, as the paper's Fig. 5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from mmc2f.visualization.draw_regions import draw_regions
from mmc2f.visualization.style import RIGHT, WRONG, check_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ['draw_rerank']

NEUTRAL = '#b8b8b8'
MOST_BARS = 5
MOST_NEIGHBOURS = 8
LONGEST_NAME = 24


def draw_rerank(
    query_image: np.ndarray,
    query_title: str,
    coarse: Sequence[tuple[str, float]],
    reranked: Sequence[tuple[str, float]],
    neighbours: Sequence[tuple[np.ndarray, str, float]],
    boxes: np.ndarray | Tensor | None = None,
    truth: str = '',
    box_labels: Sequence | None = None,
) -> Figure:
    """Draw the query, both rankings and the nearest training images.

    The true class is green everywhere; a wrong first place and neighbours
    of other classes are red.

    Args:
        query_image: RGB ``(H, W, 3)`` uint8.
        query_title: Text over the query.
        coarse: Name and probability of the coarse classes, best first; the
            first five are shown.
        reranked: The same with re-ranked scores.
        neighbours: Image, class name and cosine similarity of the nearest
            training images, nearest first; the first eight are shown.
        boxes: ``(R, 4)`` chosen regions, xyxy in pixels of the query.
        truth: Name of the true class; empty where it is not known, and then
            nothing is green or red.
        box_labels: ``(R,)`` scale group of each box.

    Returns:
        A figure with its own Agg canvas, ready for ``savefig``; no global
        state of matplotlib is touched.

    Raises:
        ValueError: An image is not RGB uint8, or a ranking is empty.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not coarse or not reranked:
        raise ValueError('Both rankings need at least one class.')
    check_image(query_image, 'query_image')
    for image, name, _ in neighbours:
        check_image(image, f'the neighbour of class {name!r}')
    shown = neighbours[:MOST_NEIGHBOURS]
    figure = Figure(
        figsize=(11, 5.9 if shown else 3.6), dpi=120, layout='constrained'
    )
    FigureCanvasAgg(figure)
    rows = figure.add_gridspec(
        2 if shown else 1, 1, height_ratios=[1.75, 1][: 2 if shown else 1]
    )
    top = rows[0].subgridspec(1, 3, width_ratios=[1.15, 1, 1])
    if boxes is not None:
        query_image = draw_regions(query_image, boxes, labels=box_labels)
    _draw_query(figure.add_subplot(top[0]), query_image, query_title, truth)
    for column, title, ranking in (
        (1, 'coarse probability', coarse),
        (2, 're-ranked score', reranked),
    ):
        axes = figure.add_subplot(top[column])
        _draw_bars(axes, title, ranking[:MOST_BARS], truth)
    if shown:
        row = figure.add_subfigure(rows[1])
        row.suptitle('nearest training images, cosine similarity', fontsize=11)
        for place, neighbour in enumerate(shown, start=1):
            axes = row.add_subplot(1, MOST_NEIGHBOURS, place)
            _draw_neighbour(axes, *neighbour, truth)
    return figure


def _draw_query(axes: Axes, image: np.ndarray, title: str, truth: str) -> None:
    axes.imshow(image)
    axes.set_title(title, fontsize=11, fontweight='bold')
    axes.set(xticks=[], yticks=[])
    if truth:
        axes.set_xlabel(f'truth: {_short(truth)}', color=RIGHT, fontsize=10)
    axes.spines[:].set_visible(False)


def _draw_bars(
    axes: Axes, title: str, ranking: Sequence[tuple[str, float]], truth: str
) -> None:
    places = range(len(ranking))
    values = [float(value) for _, value in ranking]
    colours = [
        _colour(name, truth, is_answer=place == 0)
        for place, (name, _) in enumerate(ranking)
    ]
    bars = axes.barh(places, values, height=0.5, color=colours)
    axes.bar_label(bars, fmt='%.2f', padding=3, fontsize=9)
    # Names stand over their bars: beside them, long ones would leave the
    # bars no room.
    for place, (name, _) in enumerate(ranking):
        axes.annotate(
            _short(name),
            (0, place - 0.28),
            (4, 0),
            textcoords='offset points',
            fontsize=9,
            va='bottom',
        )
    axes.set_title(title, fontsize=11)
    axes.set(xlim=(0, 1.18 * max([*values, 1e-6])), xticks=[], yticks=[])
    axes.set_ylim(MOST_BARS - 0.4, -0.85)
    axes.spines[:].set_visible(False)
    axes.spines['left'].set_visible(True)


def _draw_neighbour(
    axes: Axes, image: np.ndarray, name: str, similarity: float, truth: str
) -> None:
    axes.imshow(image)
    axes.set(xticks=[], yticks=[])
    axes.set_title(_short(name, 16), fontsize=8)
    axes.set_xlabel(f'{float(similarity):.3f}', fontsize=9)
    axes.spines[:].set(color=_colour(name, truth, is_answer=True), linewidth=4)


def _colour(name: str, truth: str, is_answer: bool) -> str:
    """Green for the truth, red for another answer, grey for the rest."""
    if truth and name == truth:
        return RIGHT
    return WRONG if truth and is_answer else NEUTRAL


def _short(name: str, longest: int = LONGEST_NAME) -> str:
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f'{name[:half]}…{name[len(name) - half :]}'
