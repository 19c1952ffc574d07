"""Curves over the parameters of the re-ranking."""

import pytest

from mmc2f.retrieval import TunedReRank
from mmc2f.visualization import draw_tuning


def family(mode, whiten, **curves):
    """A report with a curve for each parameter; the first is the best."""
    return dict(
        mode=mode,
        whiten=whiten,
        params={'mode': mode, **{n: v[0] for n, v in curves.items()}},
        accuracy=60.0,
        curves={
            name: dict(values=values, accuracy=[60.0] * len(values))
            for name, values in curves.items()
        },
    )


@pytest.fixture
def tuned():
    prototypes = dict(topn=[2, 3, 5], temperature=[1, 2], kappa=[1, 2, 4, 8])
    paper = dict(t_sf=[0.3, 0.5, 0.7])
    return TunedReRank(
        params={'mode': 'none'},
        whiten=None,
        gain=0.5,
        low=-1.0,
        high=2.0,
        coarse_accuracy=58.0,
        num_images=100,
        temperature=2.0,
        candidate={},
        candidate_whiten=None,
        tried=[
            family('prototypes', None, **prototypes),
            family('paper', None, **paper),
            family('prototypes', 'lda', **prototypes),
            family('paper', 'lda', **paper),
        ],
    )


def test_a_row_per_mode_and_a_panel_per_parameter(tuned, tmp_path):
    figure = draw_tuning(tuned)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_xlabel() for axes in shown] == ['topn', 'kappa', 't_sf']
    assert '-1.00, +2.00' in figure.get_suptitle()
    figure.savefig(tmp_path / 'tuning.png')
    assert (tmp_path / 'tuning.png').stat().st_size > 1000


def test_a_panel_has_the_curves_the_choice_and_the_coarse_accuracy(tuned):
    kappa = draw_tuning(tuned).axes[1]
    curves = [line for line in kappa.lines if len(line.get_xdata()) == 4]
    points = [line for line in kappa.lines if len(line.get_xdata()) == 1]
    assert len(curves) == len(points) == 2
    assert curves[0].get_ydata().tolist() == [60.0] * 4
    assert points[0].get_xdata().tolist() == [1]
    assert [58.0, 58.0] in [list(line.get_ydata()) for line in kappa.lines]
    assert [tick.get_text() for tick in kappa.get_xticklabels()] == [
        *('1', '2', '4', '8'),
    ]
