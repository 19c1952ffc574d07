"""Coverage and selective accuracy of calibrated levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mmc2f.visualization.style import group_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ['draw_coverage']

NO_ANSWER = '#d8d8d8'
INK = '#222222'
# Of so few answers the accuracy jumps: it does not decide the axis' range.
FEW = 0.05
# A narrower part of a bar has no room for its number.
NARROW = 7
# Where a legend covers no curve.
BELOW: dict[str, Any] = dict(
    loc='upper center', bbox_to_anchor=(0.5, -0.13), frameon=False, fontsize=9
)


def draw_coverage(report: Mapping[str, Any]) -> Figure:
    """Draw a calibration of the finest confident level.

    Left: selective accuracy against coverage, of each level alone and of the
    whole rule for a range of targets; the chosen target is marked. Right: the
    share of images answered at each level, for each resolution.

    Args:
        report: What ``mmc2f.FinestConfidentLevel`` writes to its ``path``.

    Returns:
        A figure with its own Agg canvas, ready for ``savefig``; no global
        state of matplotlib is touched.

    Raises:
        ValueError: The report lacks something.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    needed = ('levels', 'target', 'curves', 'measured')
    missing = [name for name in needed if name not in report]
    if missing:
        raise ValueError(
            f'the report has no {", ".join(missing)}: give what '
            'FinestConfidentLevel(path=...) wrote'
        )
    figure = Figure(figsize=(12, 4.8), dpi=120, layout='constrained')
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=[1.1, 1])
    _draw_curves(left, report)
    _draw_answers(right, report)
    return figure


def _draw_curves(axes: Axes, report: Mapping[str, Any]) -> None:
    lowest = 100 * report['target']
    for index, level in enumerate(report['levels']):
        curve = report['curves'][level]
        coverage, accuracy = _percent(curve)
        lowest = min([lowest, *_of_many(coverage, accuracy)])
        axes.plot(
            coverage,
            accuracy,
            color=group_colour(index),
            linewidth=2,
            label=f'{level} alone',
        )
    rule = report.get('rule')
    if rule and rule['coverage']:
        coverage, accuracy = _percent(rule)
        lowest = min([lowest, *accuracy])
        axes.plot(
            coverage,
            accuracy,
            *('o-',),
            color=INK,
            linewidth=1.2,
            markersize=3.5,
            label='finest confident level',
        )
    measured = report['measured']
    if measured['overall_selective_accuracy'] is not None:
        axes.plot(
            measured['overall_coverage'],
            measured['overall_selective_accuracy'],
            *('*',),
            color=INK,
            markersize=15,
            label=f'with target {report["target"]:.0%}',
        )
        lowest = min(lowest, measured['overall_selective_accuracy'])
    axes.axhline(100 * report['target'], color=INK, linestyle=':')
    axes.set(
        xlabel='images answered, %',
        ylabel='answers that are right, %',
        xlim=(0, 101),
        ylim=(max(0, lowest - 4), 101),
    )
    axes.set_title('coverage and accuracy, all resolutions', fontsize=11)
    axes.grid(color='#e6e6e6')
    axes.spines[['top', 'right']].set_visible(False)
    axes.legend(ncols=3, **BELOW)


def _draw_answers(axes: Axes, report: Mapping[str, Any]) -> None:
    measured, levels = report['measured'], report['levels']
    views = [
        name.removesuffix('_coverage')
        for name in measured
        if name.endswith('_coverage')
    ]
    for place, view in enumerate(views):
        shares = [measured[f'{view}_{level}_share'] for level in levels]
        colours = [group_colour(index) for index in range(len(levels))]
        start = 0.0
        for share, colour in zip(
            [*shares, 100 - sum(shares)], [*colours, NO_ANSWER], strict=True
        ):
            axes.barh(place, share, left=start, height=0.6, color=colour)
            if share >= NARROW:
                axes.text(
                    *(start + share / 2, place, f'{share:.0f}'),
                    ha='center',
                    va='center',
                    fontsize=10,
                )
            start += share
        accuracy = measured[f'{view}_selective_accuracy']
        axes.text(
            *(102, place, '-' if accuracy is None else f'{accuracy:.1f}'),
            va='center',
            fontsize=10,
        )
    axes.text(102, -0.62, 'right, %', va='center', fontsize=9)
    axes.set(
        xlim=(0, 100),
        ylim=(len(views) - 0.5, -0.75),
        yticks=range(len(views)),
        xlabel='images, %',
    )
    axes.set_yticklabels(views)
    axes.set_title('what is answered in each resolution', fontsize=11)
    axes.spines[['top', 'right', 'left']].set_visible(False)
    axes.tick_params(axis='y', length=0)
    _add_key(axes, levels)


def _add_key(axes: Axes, levels: list[str]) -> None:
    """Colours of the levels, below the bars."""
    from matplotlib.patches import Patch

    patches = [
        Patch(color=group_colour(index), label=level)
        for index, level in enumerate(levels)
    ]
    axes.legend(
        handles=[*patches, Patch(color=NO_ANSWER, label='no answer')],
        ncols=len(levels) + 1,
        **BELOW,
    )


def _percent(
    curve: Mapping[str, list[float]],
) -> tuple[list[float], list[float]]:
    coverage, accuracy = (
        [100 * x for x in curve[name]] for name in ('coverage', 'accuracy')
    )
    return coverage, accuracy


def _of_many(coverage: list[float], accuracy: list[float]) -> list[float]:
    """Accuracies of more than a few answers."""
    return [
        a for c, a in zip(coverage, accuracy, strict=True) if c >= 100 * FEW
    ]
