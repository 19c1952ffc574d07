"""Whether the answers of all levels fit together."""

import pytest
import torch

from mmc2f.evaluation import level_consistency
from mmc2f.structures import LabelTree

TREE = LabelTree(
    ['x', 'y', 'z'],
    [list('abcde'), list('pqr'), list('st')],
    [[0, 0, 1, 2, 2], [1, 0, 0]],
)
FLAT = LabelTree(['x'], [list('abc')], [])
ROOTED = LabelTree(['x', 'all'], [list('abc'), ['any']], [[0, 0, 0]])


def reference(predictions, tree):
    fitting = 0
    for row in predictions.tolist():
        own = row[0]
        fits = True
        for level in range(1, tree.num_levels):
            own = tree.parents[level - 1][own]
            fits = fits and own == row[level]
        fitting += fits
    return 100 * fitting / len(predictions)


@pytest.mark.parametrize('seed', range(3))
def test_equals_loops(seed):
    generator = torch.Generator().manual_seed(seed)
    columns = [
        torch.randint(TREE.num_classes(level), (60,), generator=generator)
        for level in range(3)
    ]
    predictions = torch.stack(columns, dim=1)
    value = level_consistency(predictions, TREE)
    assert isinstance(value, float)
    assert 0 < value < 100
    assert value == pytest.approx(reference(predictions, TREE))


def test_wrong_but_consistent_and_right_but_for_one_level():
    # d lies in r, and r in s; c lies in q.
    predictions = torch.tensor([[3, 2, 0], [3, 1, 0], [3, 2, 1]])
    assert level_consistency(predictions, TREE) == pytest.approx(100 / 3)


@pytest.mark.parametrize('tree', [FLAT, ROOTED])
def test_nothing_to_disagree_on(tree):
    predictions = torch.zeros(4, tree.num_levels, dtype=torch.long)
    predictions[:, 0] = torch.tensor([0, 1, 2, 1])
    assert level_consistency(predictions, tree) == 100


@pytest.mark.parametrize(
    ('predictions', 'message'),
    [
        ([[0, 0]], r'must be \(N, 3\).* are \(1, 2\)'),
        ([0, 0, 0], r'must be \(N, 3\).* are \(3,\)'),
        ([[0, 0, 0], [0, 3, 0]], r"class 3 of image 1 .* 0\.\.2 of level 'y'"),
        ([[-1, 0, 0]], r"class -1 of image 0 .* 0\.\.4 of level 'x'"),
    ],
)
def test_wrong_input(predictions, message):
    with pytest.raises(ValueError, match=message):
        level_consistency(torch.tensor(predictions), TREE)


def test_no_image():
    with pytest.raises(ValueError, match='no image'):
        level_consistency(torch.zeros(0, 3, dtype=torch.long), TREE)
