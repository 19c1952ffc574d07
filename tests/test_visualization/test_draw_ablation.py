"""The picture of a study."""

import pytest

from mmc2f.visualization import draw_ablation
from mmc2f.visualization.style import RIGHT, WRONG

ROWS = [
    dict(name='plain', values=[50.0, 54.0], gain=None),
    dict(name='better', values=[60.0], gain=(8.0, 3.0, 12.0)),
    dict(name='worse', values=[40.0], gain=(-20.0, -30.0, -9.0)),
    dict(name='unsure', values=[41.0], gain=(1.0, -3.0, 4.0)),
    dict(name='not yet', values=[], gain=None),
]


def test_shows_each_seed_and_each_interval(tmp_path):
    figure = draw_ablation({'birds': ROWS, 'fonts': ROWS[:1]}, 'T')
    left, right = figure.axes[:2]
    assert [t.get_text() for t in left.get_yticklabels()] == [
        row['name'] for row in ROWS
    ]
    dots = [line for line in left.lines if line.get_marker() == 'o']
    assert [list(line.get_xdata()) for line in dots] == [
        row['values'] for row in ROWS[:-1]
    ]
    assert [text.get_text() for text in left.texts] == [
        *('52.0', '60.0', '40.0', '41.0')
    ]
    gains = [line for line in right.lines if line.get_marker() == 'o']
    assert [line.get_xdata()[0] for line in gains] == [8, -20, 1]
    assert [line.get_ydata()[0] for line in gains] == [1, 2, 3]
    colours = [line.get_color() for line in gains]
    assert colours[:2] == [RIGHT, WRONG]
    assert colours[2] not in (RIGHT, WRONG)
    figure.savefig(tmp_path / 'x.png')


def test_a_table_that_has_not_been_run_is_named_only():
    groups = {'birds': ROWS, 'cars': ROWS[-1:], 'fonts': ROWS[:1]}
    figure = draw_ablation(groups, 'T')
    titles = [axes.get_title(loc='left') for axes in figure.axes[::2]]
    assert titles == ['birds', 'fonts']
    assert figure.get_suptitle() == 'T\nnot run: cars'
    # The first picture of a study, before anything has been run.
    assert len(draw_ablation({'cars': ROWS[-1:]}, 'T').axes) == 2


@pytest.mark.parametrize('groups', [{}, {'x': []}])
def test_refuses_nothing(groups):
    with pytest.raises(ValueError, match='without rows'):
        draw_ablation(groups)
