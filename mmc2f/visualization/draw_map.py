"""A map of embeddings, with some of their images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from mmc2f.visualization.style import PALETTE, check_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ['draw_map', 'spread_places']

#: Groups beyond the colours take the next shape.
SHAPES = ('o', '^', 's', 'D', 'v', 'P')
MOST_IN_LEGEND = len(PALETTE) * len(SHAPES)
#: Points (1/72 inch) of a thumbnail; parts of the map that two are apart.
THUMBNAIL, APART = 32, 0.07
#: Points between an image and its place on the map.
BESIDE = 32
MOST_THUMBNAILS = 80


def draw_map(
    points: np.ndarray,
    groups: Sequence[int] | np.ndarray,
    group_names: Sequence[str],
    read: Callable[[int], np.ndarray | None],
    title: str = '',
) -> Figure:
    """Draw embeddings in a plane, coloured by group, with thumbnails.

    Args:
        points: ``(N, 2)``, such as
            :func:`mmc2f.clustering.project_embeddings` gives.
        groups: ``(N,)`` index of each point's group, say its super class.
        group_names: Names of the groups. Six have a colour each; more of
            them differ by colour and shape together. Those of more than 36
            repeat, and are not named.
        read: Gives the image of a point, RGB ``(H, W, 3)`` uint8; ``None``:
            there is none. It is asked for few of them.
        title: Above all.

    Returns:
        A figure with its own Agg canvas, ready for ``savefig``; no global
        state of matplotlib is touched.

    Raises:
        ValueError: Lengths do not fit, or a group has no name.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    places = np.asarray(groups)
    if points.shape != (len(places), 2) or not len(places):
        raise ValueError(
            f'{len(places)} groups do not fit points of shape {points.shape}.'
        )
    if places.max() >= len(group_names):
        raise ValueError(
            f'A point is of group {places.max()}, but {len(group_names)} '
            'have names.'
        )
    # Both directions fill the picture; only nearness is read from it.
    low, high = points.min(axis=0), points.max(axis=0)
    unit = (points - low) / np.maximum(high - low, 1e-12)
    figure = Figure(figsize=(11, 9.5), dpi=120, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for group in np.unique(places):
        members = unit[places == group]
        axes.scatter(
            members[:, 0],
            members[:, 1],
            s=26,
            color=_colour(group),
            marker=SHAPES[group // len(PALETTE) % len(SHAPES)],
            edgecolors='#222222',
            linewidths=0.4,
            label=group_names[group],
        )
    for place in spread_places(unit, MOST_THUMBNAILS, APART):
        image = read(place)
        if image is not None:
            check_image(image, f'the image of point {place}')
            _add_thumbnail(axes, unit[place], image, _colour(places[place]))
    axes.set(xticks=[], yticks=[], xlim=(-0.1, 1.1), ylim=(-0.1, 1.1))
    axes.spines[:].set_color('#bbbbbb')
    axes.set_title(title, fontsize=11)
    if len(group_names) <= MOST_IN_LEGEND:
        figure.legend(
            loc='outside lower center', ncols=5, frameon=False, fontsize=9
        )
    return figure


def spread_places(
    points: np.ndarray, most: int, apart: float, seed: int = 0
) -> list[int]:
    """Points no two of which are nearer than ``apart`` in both directions.

    In random order each is taken that is far enough from those before it.

    Args:
        points: ``(N, 2)``.
        most: Of them to return.
        apart: In units of the points.
        seed: Of the order.
    """
    taken: list[int] = []
    for place in np.random.default_rng(seed).permutation(len(points)).tolist():
        gaps = np.abs(points[taken] - points[place]).max(axis=1)
        if len(taken) < most and (gaps >= apart).all():
            taken.append(place)
    return taken


def _colour(group: int) -> str:
    return PALETTE[group % len(PALETTE)]


def _add_thumbnail(
    axes: Axes, at: np.ndarray, image: np.ndarray, colour: str
) -> None:
    """Beside its point, away from the middle, so that it hides few."""
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    side = 2 * THUMBNAIL
    fitted = ImageOps.fit(Image.fromarray(image), (side, side))
    shown = OffsetImage(np.asarray(fitted), zoom=THUMBNAIL / side)
    away = at - 0.5
    length = float(np.linalg.norm(away))
    # A point in the very middle has its image above it.
    away = away / length if length > 1e-6 else np.array([0.0, 1.0])
    box = AnnotationBbox(
        shown,
        tuple(at),
        xybox=tuple(BESIDE * away),
        boxcoords='offset points',
        pad=0.12,
        bboxprops=dict(edgecolor=colour, linewidth=2),
        arrowprops=dict(arrowstyle='-', color='#444444', linewidth=0.8),
    )
    axes.add_artist(box)
