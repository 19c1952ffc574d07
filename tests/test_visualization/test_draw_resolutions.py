import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_hex

from mmc2f.visualization import draw_resolutions
from mmc2f.visualization.style import group_colour

CURVES = {
    'levels': ('species', 'genus'),
    'resolutions': (64, 32, 16),
    'accuracies': ((0.9, 0.7, 0.5), (0.95, 0.85, 0.75)),
}


def _axes(**changed):
    (axes,) = draw_resolutions(**(CURVES | changed)).axes
    return axes


def _lines(axes, style):
    return [line for line in axes.lines if line.get_linestyle() == style]


def test_every_level_has_its_curve_in_percent():
    axes = _axes()
    assert [list(line.get_xdata()) for line in axes.lines] == [
        [64, 32, 16]
    ] * 2
    assert [list(line.get_ydata()) for line in axes.lines] == [
        pytest.approx([90, 70, 50]),
        pytest.approx([95, 85, 75]),
    ]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ['species', 'genus']


def test_resolution_falls_to_the_right():
    axes = _axes()
    left, right = axes.get_xlim()
    assert left >= 64 and right <= 16
    assert [t.get_text() for t in axes.get_xticklabels()] == ['64', '32', '16']


def test_thresholds_and_what_was_found_are_marked():
    axes = _axes(thresholds=(0.8, 0.77), found=(32, 16))
    dashed = _lines(axes, '--')
    assert [line.get_ydata()[0] for line in dashed] == pytest.approx([80, 77])
    rings = [line for line in axes.lines if line.get_markersize() == 12]
    assert [line.get_xdata()[0] for line in rings] == [32, 16]
    assert [line.get_ydata()[0] for line in rings] == pytest.approx([70, 75])
    for lines in (dashed, rings):
        colours = [to_hex(line.get_markeredgecolor()) for line in lines]
        assert colours == [group_colour(0), group_colour(1)]
    assert [text.get_text() for text in axes.texts] == ['32 px', '16 px']


def test_saves_without_touching_pyplot(tmp_path):
    draw_resolutions(**CURVES).savefig(tmp_path / 'curves.png')
    assert (tmp_path / 'curves.png').stat().st_size > 1000
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ('changed', 'message'),
    [
        ({'levels': ('species',)}, r'1 levels and 3 .* lengths \[3, 3\]'),
        ({'resolutions': (64, 32)}, '2 levels and 2 resolutions'),
        ({'thresholds': (0.8,) * 3}, '3 thresholds and 0 answers are too m'),
        ({'found': (64, 32, 16)}, '0 thresholds and 3 answers are too many'),
    ],
)
def test_mistakes_are_named(changed, message):
    with pytest.raises(ValueError, match=message):
        _axes(**changed)
