"""How accurate re-ranking is with each value of its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmc2f.visualization.style import group_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mmc2f.retrieval.tuned_rerank import TunedReRank

__all__ = ['draw_tuning']

INK = '#222222'
# Steps of these are factors.
LOGARITHMIC = ('kappa', 'tau', 'topn', 'topm')
TITLES = {
    'paper': 'Eq. 8-9',
    'kernel': 'kernel votes',
    'prototypes': 'prototypes',
}


def draw_tuning(tuned: TunedReRank) -> Figure:
    r"""Draw what :func:`mmc2f.retrieval.tune_rerank` tried.

    A row for each mode, a panel for each parameter of three values or more,
    a curve for each kind of gallery through the best setting of the mode,
    which is marked: Fig. 6 of CCFR (accuracy over :math:`T_{sf}`,
    :math:`T_{sc}` and topn) and its like for the other modes. The dashed
    line is the accuracy without re-ranking.

    Returns:
        A figure with its own Agg canvas, ready for ``savefig``; no global
        state of matplotlib is touched.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    modes = list(dict.fromkeys(family['mode'] for family in tuned.tried))
    panels = {mode: _parameters(tuned, mode) for mode in modes}
    columns = max(map(len, panels.values()))
    figure = Figure(
        figsize=(3.2 * columns, 2.9 * len(modes)),
        dpi=120,
        layout='constrained',
    )
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(modes), columns, squeeze=False, sharey='row')
    for row, mode in zip(grid, modes, strict=True):
        for axes in row[len(panels[mode]) :]:
            axes.set_visible(False)
        for axes, name in zip(row, panels[mode], strict=False):
            _draw_panel(axes, tuned, mode, name)
        row[0].set_ylabel(f'{TITLES[mode]}\ntop-1, %')
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc='outside lower center',
        ncols=len(labels),
        frameon=False,
        fontsize=9,
    )
    figure.suptitle(
        f'{tuned.num_images} held-out images; gain of the choice, '
        f'cross-validated: {tuned.gain:+.2f} '
        f'[{tuned.low:+.2f}, {tuned.high:+.2f}] points',
        fontsize=11,
    )
    return figure


def _parameters(tuned: TunedReRank, mode: str) -> list[str]:
    """Parameters of which there is a curve to draw."""
    family = next(f for f in tuned.tried if f['mode'] == mode)
    return [
        name
        for name, curve in family['curves'].items()
        if len(curve['values']) > 2
    ]


def _draw_panel(axes: Axes, tuned: TunedReRank, mode: str, name: str) -> None:
    families = [f for f in tuned.tried if f['mode'] == mode]
    for index, family in enumerate(families):
        curve, colour = family['curves'][name], group_colour(index)
        axes.plot(
            curve['values'],
            curve['accuracy'],
            color=colour,
            linewidth=2,
            label=f'whiten={family["whiten"]!r}',
        )
        axes.plot(
            family['params'][name],
            family['accuracy'],
            *('o',),
            color=colour,
            markersize=7,
        )
    axes.axhline(
        tuned.coarse_accuracy, color=INK, linestyle='--', label='coarse'
    )
    if name in LOGARITHMIC:
        values = families[0]['curves'][name]['values']
        axes.set_xscale('log', base=2)
        axes.set_xticks(values, [f'{value:g}' for value in values])
        axes.minorticks_off()
    axes.set_xlabel(name)
    axes.grid(color='#e6e6e6')
    axes.spines[['top', 'right']].set_visible(False)
