"""What is taken for what, by class and by super class."""

import matplotlib.pyplot as plt
import pytest
import torch

from mmc2f.visualization import draw_confusion

NAMES = ['a', 'b', 'c', 'd']
# Classes of two super classes, not in order.
GROUPS = [0, 1, 0, 1]
COUNTS = torch.tensor([[6, 1, 3, 0], [0, 8, 0, 2], [0, 0, 5, 0], [4, 0, 0, 1]])


def parts(figure):
    """Axes by their title."""
    return {axes.get_title(): axes for axes in figure.axes}


def test_classes_stand_beside_those_of_their_super_class():
    axes = figure_axes('4 classes')
    shown = [text.get_text() for text in axes.get_yticklabels()]
    assert shown == ['a', 'c', 'b', 'd']
    share = axes.images[0].get_array()
    # Rows are shares of the true class: of a, in the order a, c, b, d.
    assert share[0].tolist() == pytest.approx([60, 30, 10, 0])
    assert share[3].tolist() == pytest.approx([80, 0, 0, 20])
    frames = [(p.get_x(), p.get_y(), p.get_width()) for p in axes.patches]
    assert frames == [(-0.5, -0.5, 2), (1.5, 1.5, 2)]


def figure_axes(start, *args, **options):
    args = args or (COUNTS, NAMES, GROUPS, ['odd', 'even'])
    (found,) = [
        axes
        for title, axes in parts(draw_confusion(*args, **options)).items()
        if title.startswith(start)
    ]
    return found


def test_errors_are_parted_into_inside_and_across():
    axes = figure_axes('30 images')
    widths = [bar.get_width() for bar in axes.patches]
    # 20 right; a as c thrice and b as d twice inside; a as b, d as a across.
    assert widths == pytest.approx([100 * n / 30 for n in (20, 5, 5)])
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ['right', 'wrong, inside', 'wrong, across']


def test_super_classes_have_a_matrix_of_their_own():
    axes = figure_axes('2 super classes')
    share = axes.images[0].get_array()
    # Of odd (a, c): 14 of 15 stay; of even (b, d): 11 of 15.
    expected = [100 * n / 15 for n in (14, 1, 4, 11)]
    assert share.flatten().tolist() == pytest.approx(expected)
    assert {text.get_text() for text in axes.texts} == {'93', '7', '27', '73'}


def test_most_frequent_errors_come_first():
    axes = figure_axes('most frequent')
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == [4, 3, 2, 1]
    names = [t.get_text() for t in axes.texts if ' as ' in t.get_text()]
    assert names == ['d as a', 'a as c', 'b as d', 'a as b']
    # Inside and across differ in pattern too, for a print without colour.
    assert [bar.get_hatch() for bar in axes.patches] == [
        *('xx', '//', '//', 'xx')
    ]


def test_without_super_classes_there_is_no_word_of_them():
    found = parts(draw_confusion(COUNTS, NAMES))
    assert not any('super' in title for title in found)
    shares = found['30 images, %']
    names = [text.get_text() for text in shares.get_yticklabels()]
    assert names == ['right', 'wrong']


def test_many_classes_with_long_names_fit(tmp_path):
    names = [f'a very long name of the class number {i}' for i in range(80)]
    figure = draw_confusion(
        torch.eye(80, dtype=torch.long),
        names,
        [i // 2 for i in range(80)],
        names[:40],
    )
    figure.savefig(tmp_path / 'many.png')
    assert not figure_axes('80 classes', torch.eye(80).long(), names).texts
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        ((COUNTS, NAMES[:3]), '3 class names'),
        ((COUNTS, NAMES, [0, 0]), '2 super classes'),
        ((COUNTS, NAMES, GROUPS, ['odd']), '1 have names'),
        ((torch.zeros(4, 4).long(), NAMES), 'no answer'),
    ],
)
def test_what_does_not_fit_is_refused(args, message):
    with pytest.raises(ValueError, match=message):
        draw_confusion(*args)
