"""Scores of every level from the scores of the finest."""

import pytest
import torch

from mmc2f.structures import LabelTree, sum_to_levels
from mmc2f.structures.level_scores import check_scores

TREE = LabelTree(
    ['x', 'y', 'z'],
    [list('abcde'), list('pqr'), list('st')],
    [[0, 0, 1, 2, 2], [1, 0, 0]],
)
FLAT = LabelTree(['x'], [list('abc')], [])
ROOTED = LabelTree(['x', 'all'], [list('abc'), ['any']], [[0, 0, 0]])


def reference(scores, tree):
    """Sums by loops over levels, images and classes."""
    levels = []
    for level in range(tree.num_levels):
        ancestor = tree.ancestors(level).tolist()
        rows = []
        for scores_of_image in scores.tolist():
            sums = [0.0] * tree.num_classes(level)
            for finest, score in enumerate(scores_of_image):
                sums[ancestor[finest]] += score
            rows.append(sums)
        levels.append(rows)
    return levels


@pytest.mark.parametrize('tree', [TREE, FLAT, ROOTED])
def test_equals_loops(tree):
    scores = torch.rand(7, tree.num_classes(), dtype=torch.float64)
    scores /= scores.sum(dim=1, keepdim=True)
    levels = sum_to_levels(scores, tree)
    expected = reference(scores, tree)
    assert len(levels) == tree.num_levels
    for got, wanted in zip(levels, expected, strict=True):
        assert got.tolist() == [pytest.approx(row) for row in wanted]
        assert got.sum(dim=1).tolist() == pytest.approx([1] * 7)


def test_of_no_image():
    shapes = [tuple(s.shape) for s in sum_to_levels(torch.zeros(0, 5), TREE)]
    assert shapes == [(0, 5), (0, 3), (0, 2)]


def test_best_genus_need_not_hold_the_best_species():
    scores = torch.tensor([[0.3, 0.3, 0.0, 0.4, 0.0]])
    best = [
        level.argmax(dim=1).item() for level in sum_to_levels(scores, TREE)
    ]
    assert best == [3, 0, 1]


def test_other_number_of_classes():
    message = r"level 'x' must be \(N, 5\).* are \(2, 3\)"
    with pytest.raises(ValueError, match=message):
        sum_to_levels(torch.zeros(2, 3), TREE)
    with pytest.raises(ValueError, match=r"level 'y' must be \(N, 3\)"):
        check_scores(torch.zeros(3), TREE, 1)


def test_nan_is_named():
    scores = torch.zeros(3, 5)
    scores[1, 2] = float('nan')
    with pytest.raises(ValueError, match=r'1 of 3 .* the first is image 1'):
        sum_to_levels(scores, TREE)
