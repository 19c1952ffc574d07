import matplotlib.pyplot as plt
import pytest

from mmc2f.visualization import draw_coverage
from mmc2f.visualization.style import group_colour

REPORT = {
    'levels': ['species', 'genus'],
    'target': 0.9,
    'curves': {
        'species': {'coverage': [0.01, 0.5, 1.0], 'accuracy': [0, 0.9, 0.6]},
        'genus': {'coverage': [0.5, 1.0], 'accuracy': [1.0, 0.8]},
    },
    'rule': {
        'target': [0.5, 0.9],
        'coverage': [1.0, 0.75],
        'accuracy': [0.7, 0.9],
    },
    'measured': {
        **{'high_coverage': 90.0, 'high_selective_accuracy': 95.0},
        **{'high_species_share': 60.0, 'high_genus_share': 30.0},
        **{'overall_coverage': 50.0, 'overall_selective_accuracy': 92.5},
        **{'overall_species_share': 45.0, 'overall_genus_share': 5.0},
    },
}


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_curves_target_and_what_was_measured():
    left, _ = draw_coverage(REPORT).axes
    species, genus, rule, star, target = left.lines
    assert list(species.get_xdata()) == [1, 50, 100]
    assert list(species.get_ydata()) == [0, 90, 60]
    assert genus.get_color() == group_colour(1)
    assert list(rule.get_xdata()) == [100, 75]
    assert (list(star.get_xdata()), list(star.get_ydata())) == ([50], [92.5])
    assert list(target.get_ydata()) == [90, 90]
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == [
        *('species alone', 'genus alone'),
        *('finest confident level', 'with target 90%'),
    ]
    # One answer alone does not decide the range, sixty percent of all do.
    assert left.get_ylim() == (56, 101)


def test_bars_of_each_view():
    _, right = draw_coverage(REPORT).axes
    widths = [bar.get_width() for bar in right.patches]
    assert widths == [60, 30, 10, 45, 5, 50]
    starts = [bar.get_x() for bar in right.patches]
    assert starts == [0, 60, 90, 0, 45, 50]
    # The five percent have no room for their number.
    assert texts(right) == [
        *('60', '30', '10', '95.0', '45', '50', '92.5', 'right, %')
    ]
    labels = [label.get_text() for label in right.get_yticklabels()]
    assert labels == ['high', 'overall']


def test_given_thresholds_that_never_answer():
    measured = {
        **{'overall_coverage': 0.0, 'overall_selective_accuracy': None},
        **{'overall_species_share': 0.0, 'overall_genus_share': 0.0},
    }
    report = {k: v for k, v in REPORT.items() if k != 'rule'}
    left, right = draw_coverage({**report, 'measured': measured}).axes
    assert len(left.lines) == 3
    assert texts(right) == ['100', '-', 'right, %']


def test_rule_without_points():
    rule = {'target': [], 'coverage': [], 'accuracy': []}
    left, _ = draw_coverage({**REPORT, 'rule': rule}).axes
    assert len(left.lines) == 4


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match='the report has no curves, measur'):
        draw_coverage({'levels': ['x'], 'target': 0.9})


def test_is_saved_without_global_state(tmp_path):
    draw_coverage(REPORT).savefig(tmp_path / 'levels.png')
    assert (tmp_path / 'levels.png').stat().st_size > 1000
    assert not plt.get_fignums()
