"""Curves and a surface over the parameters of the re-ranking."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from mmc2f.retrieval.rerank_sweep import ReRankSweep
from mmc2f.visualization import draw_sweep

ACCURACY = 60 + np.arange(2 * 3 * 8.0).reshape(2, 3, 8) / 10
# The best is not in a corner.
ACCURACY[0, 1, 4] = 70


@pytest.fixture
def sweep():
    t_sf = tuple(round(0.4 + 0.05 * step, 2) for step in range(8))
    return ReRankSweep((2, 3), (0.5, 0.6, 0.7), t_sf, ACCURACY, 58.0, 100)


def curves(axes):
    return {
        line.get_label(): list(line.get_ydata())
        for line in axes.lines
        if '=' in str(line.get_label())
    }


def test_curves_go_through_the_best_setting(sweep):
    over_sf, over_topn, *_ = draw_sweep(sweep).axes
    found = curves(over_sf)
    # Six of eight, evenly spread, and the best where it is none of them.
    assert 6 <= len(found) <= 7
    assert found['$T_{sf}$ = 0.6'] == ACCURACY[0, :, 4].tolist()
    assert curves(over_topn) == {
        f'topn = {n}': ACCURACY[i, :, 4].tolist() for i, n in enumerate((2, 3))
    }
    for axes in (over_sf, over_topn):
        (dashed,) = [ln for ln in axes.lines if ln.get_linestyle() == '--']
        assert set(dashed.get_ydata()) == {58.0}
        rings = [line for line in axes.lines if line.get_markersize() == 12]
        assert {(r.get_xdata()[0], r.get_ydata()[0]) for r in rings} == {
            (0.6, 70.0)
        }


def test_surface_and_its_view_from_above(sweep, tmp_path):
    figure = draw_sweep(sweep)
    assert '70.00 % at best, with topn = 2' in figure.get_suptitle()
    surface, above = figure.axes[2:4]
    assert surface.name == '3d'
    assert above.images[0].get_array().tolist() == ACCURACY[0].tolist()
    figure.savefig(tmp_path / 'sweep.png')
    assert (tmp_path / 'sweep.png').stat().st_size > 10_000
    assert plt.get_fignums() == []


def test_a_grid_of_one_setting_is_drawn(tmp_path):
    one = ReRankSweep((2,), (0.5,), (0.4,), np.full((1, 1, 1), 50.0), 50.0, 9)
    draw_sweep(one).savefig(tmp_path / 'one.png')
