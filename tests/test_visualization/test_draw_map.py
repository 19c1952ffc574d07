"""A map of embeddings with thumbnails."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.offsetbox import AnnotationBbox

from mmc2f.structures import LabelTree
from mmc2f.visualization.draw_map import draw_map, spread_places
from mmc2f.visualization.embedding_map import MOST_POINTS, embedding_map

TREE = LabelTree(
    ('class', 'group'), [list('abcd'), ['warm', 'cold']], [[0, 1, 1, 0]]
)


def grey(place):
    return np.full((8, 12, 3), 128, np.uint8)


def legend(figure):
    (found,) = figure.legends
    return [text.get_text() for text in found.get_texts()]


def thumbnails(figure):
    (axes,) = figure.axes
    return [a for a in axes.artists if isinstance(a, AnnotationBbox)]


def test_groups_have_a_colour_and_then_a_shape(tmp_path):
    points = np.random.default_rng(0).random((16, 2))
    names = [f'group {i}' for i in range(8)]
    figure = draw_map(points, np.arange(16) % 8, names, grey, 'a title')
    (axes,) = figure.axes
    looks = {
        (
            tuple(dots.get_facecolor()[0]),
            len(dots.get_paths()[0].vertices),
        )
        for dots in axes.collections
    }
    assert len(looks) == 8
    assert legend(figure) == names
    assert thumbnails(figure)
    figure.savefig(tmp_path / 'map.png')
    assert plt.get_fignums() == []


def test_images_that_are_gone_are_left_out():
    points = np.random.default_rng(0).random((9, 2))
    figure = draw_map(points, [0] * 9, ['all'], lambda place: None)
    assert not thumbnails(figure)


def test_too_many_groups_are_not_named():
    names = [f'group {i}' for i in range(40)]
    figure = draw_map(np.eye(2), [0, 39], names, lambda place: None)
    assert not figure.legends


def test_thumbnails_do_not_hide_one_another():
    points = np.random.default_rng(0).random((300, 2))
    taken = spread_places(points, 50, 0.1)
    assert 10 < len(taken) <= 50
    gaps = np.abs(points[taken][:, None] - points[taken]).max(axis=-1)
    np.fill_diagonal(gaps, 1)
    assert gaps.min() >= 0.1
    assert len(spread_places(points, 3, 0.1)) == 3


@pytest.mark.parametrize(
    ('groups', 'names', 'message'),
    [([0], ['a'], '1 groups'), ([0, 1], ['a'], '1 have names')],
)
def test_what_does_not_fit_is_refused(groups, names, message):
    with pytest.raises(ValueError, match=message):
        draw_map(np.eye(2), groups, names, grey)


def of_classes(labels, names=tuple('abcd'), tree=TREE):
    torch.manual_seed(0)
    rows = torch.randn(len(labels), 5)
    asked = []
    figure = embedding_map(
        *(rows, torch.tensor(labels), names, tree),
        lambda place: asked.append(place),
        method='pca',
    )
    return figure, asked


def test_colours_are_those_of_super_classes():
    figure, asked = of_classes([0, 1, 2, 3, 0, 1])
    assert legend(figure) == ['warm', 'cold']
    sizes = [len(dots.get_offsets()) for dots in figure.axes[0].collections]
    assert sizes == [3, 3]
    assert set(asked) <= set(range(6))


def test_without_a_tree_they_are_those_of_classes():
    figure, _ = of_classes([0, 1, 2, 3, 0], tree=None)
    assert legend(figure) == list('abcd')


def test_a_class_that_only_the_gallery_knows():
    figure, _ = of_classes([0, 1, 4, 4], names=tuple('abcde'))
    assert legend(figure) == ['warm', 'cold', 'only in the gallery']


def test_of_many_points_some_are_drawn():
    figure, asked = of_classes([0, 3] * MOST_POINTS)
    assert f'{MOST_POINTS} images' in figure.axes[0].get_title()
    # Every other one is of class 0 and drawn.
    assert legend(figure) == ['warm']
    assert all(place % 2 == 0 for place in asked)
