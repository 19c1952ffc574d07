"""Accuracy over T_sf, T_sc and topn: curves and a surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmc2f.visualization.style import WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mmc2f.retrieval.rerank_sweep import ReRankSweep

__all__ = ['draw_sweep']

#: Rises in lightness, so that its order is kept in print and with any colour
#: vision. Its light end is left out, for lines on white.
COLOURS, LIGHTEST = 'viridis', 0.85
MARKERS = 'osD^vP*X'
INK = '#222222'
MOST_CURVES = 6


def draw_sweep(sweep: ReRankSweep) -> Figure:
    r"""Draw the re-ranked accuracy as Fig. 6 of CCFR does.

    Above, curves over :math:`T_{sc}`: for some :math:`T_{sf}` with topn at
    its best, and for each topn with :math:`T_{sf}` at its best. Below, the
    surface over both thresholds with topn at its best, in perspective and
    from above. The best setting is marked, the dashed line is the accuracy
    without re-ranking.

    Returns:
        A figure with its own Agg canvas, ready for ``savefig``; no global
        state of matplotlib is touched.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    topn, t_sc, t_sf = sweep.best
    figure = Figure(figsize=(11.5, 9), dpi=120, layout='constrained')
    FigureCanvasAgg(figure)
    best = sweep.accuracy[sweep.best]
    figure.suptitle(
        f'{sweep.num_images} images: {sweep.coarse_accuracy:.2f} % without '
        f're-ranking, {best:.2f} % at best, with topn = {sweep.topn[topn]}, '
        f'$T_{{sc}}$ = {sweep.t_sc[t_sc]:g}, '
        f'$T_{{sf}}$ = {sweep.t_sf[t_sf]:g}',
        fontsize=11,
    )
    upper = figure.add_subplot(2, 2, 1)
    chosen = _some(len(sweep.t_sf), t_sf)
    _draw_curves(
        upper,
        sweep,
        [sweep.accuracy[topn, :, i] for i in chosen],
        [f'$T_{{sf}}$ = {sweep.t_sf[i]:g}' for i in chosen],
        f'topn = {sweep.topn[topn]}',
    )
    other = figure.add_subplot(2, 2, 2, sharey=upper)
    chosen = _some(len(sweep.topn), topn)
    _draw_curves(
        other,
        sweep,
        [sweep.accuracy[i, :, t_sf] for i in chosen],
        [f'topn = {sweep.topn[i]}' for i in chosen],
        f'$T_{{sf}}$ = {sweep.t_sf[t_sf]:g}',
    )
    _draw_surface(figure.add_subplot(2, 2, 3, projection='3d'), sweep)
    _draw_from_above(figure.add_subplot(2, 2, 4), sweep)
    return figure


def _some(count: int, needed: int) -> list[int]:
    """A few places, evenly spread, and one that is needed."""
    spread = np.linspace(0, count - 1, min(count, MOST_CURVES)).round()
    return sorted({*spread.astype(int).tolist(), needed})


def _draw_curves(
    axes: Axes,
    sweep: ReRankSweep,
    curves: Sequence[np.ndarray],
    labels: Sequence[str],
    title: str,
) -> None:
    from matplotlib import colormaps

    shades = np.linspace(0, LIGHTEST, len(curves))
    for place, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        axes.plot(
            *(sweep.t_sc, curve),
            color=colormaps[COLOURS](shades[place]),
            marker=MARKERS[place % len(MARKERS)],
            markersize=4,
            label=label,
        )
    axes.axhline(
        sweep.coarse_accuracy, color=INK, linestyle='--', label='coarse'
    )
    _, t_sc, _ = sweep.best
    _mark(axes, sweep.t_sc[t_sc], sweep.accuracy[sweep.best])
    axes.set(xlabel='$T_{sc}$', ylabel='top-1, %')
    axes.set_title(title, fontsize=11)
    axes.grid(color='#e6e6e6')
    axes.spines[['top', 'right']].set_visible(False)
    axes.legend(frameon=False, fontsize=8, ncols=2)


def _draw_surface(axes: Any, sweep: ReRankSweep) -> None:
    across, deep = np.meshgrid(sweep.t_sf, sweep.t_sc)
    height = sweep.accuracy[sweep.best[0]]
    axes.plot_surface(
        *(across, deep, height),
        cmap=COLOURS,
        edgecolor=INK,
        linewidth=0.2,
        rcount=50,
        ccount=50,
    )
    axes.set_xlabel('$T_{sf}$', fontsize=9)
    axes.set_ylabel('$T_{sc}$', fontsize=9)
    axes.set_zlabel('top-1, %', fontsize=9)
    axes.tick_params(labelsize=7)
    # Seen from where the surface is lower, or its front would hide the rest.
    falls = height[0].mean() > height[-1].mean()
    axes.view_init(elev=28, azim=55 if falls else -55)
    axes.set_box_aspect(None, zoom=0.9)


def _draw_from_above(axes: Axes, sweep: ReRankSweep) -> None:
    topn, t_sc, t_sf = sweep.best
    height = sweep.accuracy[topn]
    shown = axes.imshow(height, cmap=COLOURS, origin='lower', aspect='auto')
    axes.set_xticks(
        range(len(sweep.t_sf)),
        [f'{value:g}' for value in sweep.t_sf],
        fontsize=8,
    )
    axes.set_yticks(
        range(len(sweep.t_sc)),
        [f'{value:g}' for value in sweep.t_sc],
        fontsize=8,
    )
    axes.set(xlabel='$T_{sf}$', ylabel='$T_{sc}$')
    axes.set_title(f'topn = {sweep.topn[topn]}', fontsize=11)
    _mark(axes, t_sf, t_sc)
    bar = axes.figure.colorbar(shown, ax=axes)
    bar.set_label('top-1, %', fontsize=9)
    bar.ax.tick_params(labelsize=8)


def _mark(axes: Axes, x: float, y: float) -> None:
    """A ring around the best setting, seen on any colour."""
    for colour, width in (('white', 4.0), (WRONG, 2.0)):
        axes.plot(
            *(x, y, 'o'),
            markersize=12,
            markerfacecolor='none',
            markeredgecolor=colour,
            markeredgewidth=width,
        )
