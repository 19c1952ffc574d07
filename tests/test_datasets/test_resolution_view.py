"""Views of a data set as a config gives them."""

import pytest

from mmc2f.datasets.resolution_view import ResolutionView
from mmc2f.structures import LabelTree

TREE = LabelTree(
    ('species', 'genus', 'family'),
    (('ant', 'bee', 'cat'), ('insect', 'feline'), ('animal',)),
    ((0, 0, 1), (0, 0)),
)


def view(name='high', level=0, resolution=None):
    return dict(name=name, level=level, resolution=resolution)


def test_levels_become_indices():
    specs = [view('a', 'family'), view('b', -2, 56), view('c', 0, 448)]
    assert ResolutionView.build_all(specs, TREE) == (
        ResolutionView('a', 2, None),
        ResolutionView('b', 1, 56),
        ResolutionView('c', 0, 448),
    )


@pytest.mark.parametrize(
    ('specs', 'message'),
    [
        ([], 'views is empty; give at least one'),
        ([view(), view('low'), view()], "2 views are called 'high'"),
        ([view(level='order')], "view 'high': no level 'order'; the levels"),
        ([view(level=3)], "view 'high': no level 3; the levels are species"),
        ([view('')], 'a view must have a name'),
        ([view(None)], 'a view must have a name, got None'),
        ([view(resolution=0)], "view 'high' has resolution 0"),
        ([view(resolution='56')], "view 'high' has resolution '56'"),
        ([dict(name='high', level=0)], 'a view is dict.name=..., level='),
        ([dict(view(), size=3)], 'a view is dict.name=..., level='),
        (['high'], "a view is dict.*got 'high'"),
    ],
)
def test_impossible_views(specs, message):
    with pytest.raises(ValueError, match=message):
        ResolutionView.build_all(specs, TREE)
