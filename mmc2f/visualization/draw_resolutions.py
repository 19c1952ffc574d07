"""Accuracy of every level against resolution, and what was found on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmc2f.visualization.style import group_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ['draw_resolutions']

#: Of the levels, for a print without colour.
MARKERS = 'os^D'


def draw_resolutions(
    levels: Sequence[str],
    resolutions: Sequence[int],
    accuracies: Sequence[Sequence[float]],
    thresholds: Sequence[float] = (),
    found: Sequence[int] = (),
) -> Figure:
    """Draw the curves that a search for resolutions goes down.

    The resolution falls from left to right, as the search lowers it. Each
    level's threshold is a dashed line in its colour; where the accuracy is
    found below it, a ring and the resolution mark the end of that level.

    Args:
        levels: Names of L levels, fine to coarse.
        resolutions: R resolutions in pixels, falling.
        accuracies: For each level R shares from 0 to 1.
        thresholds: Shares, for the first levels.
        found: Resolutions, for the first levels; empty where the search
            found none.

    Returns:
        A figure with its own Agg canvas, ready for ``savefig``; no global
        state of matplotlib is touched.

    Raises:
        ValueError: The numbers of levels and resolutions are not those of
            the accuracies, or there are more thresholds or answers than
            levels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    _check(levels, resolutions, accuracies, thresholds, found)
    figure = Figure(figsize=(8, 5), dpi=120, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for level, (name, curve) in enumerate(
        zip(levels, accuracies, strict=True)
    ):
        percent = [100 * accuracy for accuracy in curve]
        axes.plot(
            *(resolutions, percent),
            color=group_colour(level),
            marker=MARKERS[level % len(MARKERS)],
            markersize=5,
            label=name,
        )
    for level, threshold in enumerate(thresholds):
        axes.axhline(
            100 * threshold,
            color=group_colour(level),
            linestyle='--',
            linewidth=1,
            label=f'threshold of {levels[level]}, {100 * threshold:.1f} %',
        )
    for level, resolution in enumerate(found):
        accuracy = accuracies[level][list(resolutions).index(resolution)]
        _mark(axes, resolution, 100 * accuracy, group_colour(level))
    _finish(axes, resolutions)
    return figure


def _mark(axes: Axes, resolution: int, percent: float, colour: str) -> None:
    axes.axvline(resolution, color=colour, linewidth=1, zorder=0)
    axes.plot(
        *(resolution, percent, 'o'),
        markersize=12,
        markerfacecolor='none',
        markeredgecolor=colour,
        markeredgewidth=2,
    )
    axes.annotate(
        f'{resolution} px',
        (resolution, percent),
        (8, 8),
        textcoords='offset points',
        fontsize=11,
        fontweight='bold',
        # Over the lines of its neighbours.
        bbox=dict(facecolor='white', edgecolor='none', alpha=0.8, pad=1),
    )


def _finish(axes: Axes, resolutions: Sequence[int]) -> None:
    axes.set_xscale('log')
    axes.set_xticks(resolutions, [str(r) for r in resolutions], fontsize=8)
    axes.set_xticks([], minor=True)
    axes.invert_xaxis()
    axes.set_ylim(0, 100)
    axes.set(
        xlabel='resolution of the shorter edge, pixels',
        ylabel='accuracy, %',
    )
    axes.grid(axis='y', linewidth=0.5, alpha=0.5)
    axes.spines[['top', 'right']].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc='lower left')


def _check(
    levels: Sequence[str],
    resolutions: Sequence[int],
    accuracies: Sequence[Sequence[float]],
    thresholds: Sequence[float],
    found: Sequence[int],
) -> None:
    lengths = [len(curve) for curve in accuracies]
    if lengths != [len(resolutions)] * len(levels):
        raise ValueError(
            f'There are {len(levels)} levels and {len(resolutions)} '
            f'resolutions, but accuracies of lengths {lengths}.'
        )
    if max(len(thresholds), len(found)) > len(levels):
        raise ValueError(
            f'{len(thresholds)} thresholds and {len(found)} answers are too '
            f'many for {len(levels)} levels.'
        )
