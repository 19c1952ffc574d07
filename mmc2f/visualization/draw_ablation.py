"""Rows of a study beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mmc2f.visualization.style import PALETTE, RIGHT, WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ['draw_ablation']

NEUTRAL = '#777777'
ROW_HEIGHT = 0.42  # inches


def draw_ablation(
    groups: Mapping[str, Sequence[Mapping]], title: str = ''
) -> Figure:
    """Draw accuracy with its spread, and the gain with its interval.

    On the left each seed is a dot, and a line runs from the least to the
    greatest; on the right the gain over the reference with its interval,
    in the colour of a right answer where it is above 0, of a wrong one where
    it is below, grey where it is neither.

    Args:
        groups: For each table its rows, each with ``name``, ``values`` (a
            number a seed, maybe none) and ``gain``, a triple of gain, low
            and high, or ``None``. Of a table without any number the name
            alone stands under the title, as not run.
        title: Above all.

    Returns:
        A figure with its own Agg canvas, ready for ``savefig``; no global
        state of matplotlib is touched.

    Raises:
        ValueError: There is no row.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    counts = [len(rows) for rows in groups.values()]
    if not counts or not all(counts):
        raise ValueError('a study without rows has nothing to draw')
    measured = {
        group: rows
        for group, rows in groups.items()
        if any(len(row['values']) for row in rows)
    }
    waiting = [group for group in groups if group not in measured]
    if waiting:
        title += f'\nnot run: {"; ".join(waiting)}'
    groups = measured or groups
    counts = [len(rows) for rows in groups.values()]
    height = 1.0 + sum(1.0 + ROW_HEIGHT * count for count in counts)
    figure = Figure(figsize=(11, height), dpi=120, layout='constrained')
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=12)
    axes = figure.subplots(
        *(len(counts), 2),
        squeeze=False,
        width_ratios=[1.5, 1],
        height_ratios=[count + 2 for count in counts],
    )
    for (left, right), (group, rows) in zip(axes, groups.items(), strict=True):
        _draw_values(left, rows)
        _draw_gains(right, rows)
        left.set_title(group, fontsize=11, loc='left')
    return figure


def _draw_values(axes: Axes, rows: Sequence[Mapping]) -> None:
    for place, row in enumerate(rows):
        values = list(row['values'])
        if not values:
            continue
        mean = sum(values) / len(values)
        axes.plot(
            *([min(values), max(values)], [place, place]),
            color=PALETTE[1],
            linewidth=4,
            solid_capstyle='round',
        )
        axes.plot(
            *(values, [place] * len(values), 'o'),
            color=PALETTE[5],
            markersize=4,
        )
        axes.annotate(
            f'{mean:.1f}',
            (mean, place),
            xytext=(0, 6),
            textcoords='offset points',
            ha='center',
            fontsize=9,
        )
    axes.set(
        yticks=range(len(rows)),
        ylim=(len(rows) - 0.4, -0.7),
        xlabel='top-1 accuracy, %; a dot a seed',
    )
    axes.set_yticklabels([row['name'] for row in rows])
    _tidy(axes)


def _draw_gains(axes: Axes, rows: Sequence[Mapping]) -> None:
    axes.axvline(0, color=NEUTRAL, linewidth=1, linestyle=':')
    for place, row in enumerate(rows):
        if row['gain'] is None:
            continue
        gain, low, high = row['gain']
        colour = RIGHT if low > 0 else WRONG if high < 0 else NEUTRAL
        axes.plot([low, high], [place, place], color=colour, linewidth=2)
        axes.plot([gain], [place], 'o', color=colour, markersize=5)
    axes.set(
        yticks=[],
        ylim=(len(rows) - 0.4, -0.7),
        xlabel='gain in points, 95 % interval',
    )
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.grid(axis='x', color='#e6e6e6')
    axes.spines[['top', 'right', 'left']].set_visible(False)
    axes.tick_params(axis='y', length=0)
