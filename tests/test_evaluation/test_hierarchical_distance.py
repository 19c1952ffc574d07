"""Steps up the tree to a common ancestor."""

import pytest
import torch

from mmc2f.evaluation import hierarchical_distance
from mmc2f.structures import LabelTree

TREE = LabelTree(
    ['x', 'y', 'z'],
    [list('abcde'), list('pqr'), list('st')],
    [[0, 0, 1, 2, 2], [1, 0, 0]],
)
FLAT = LabelTree(['x'], [list('abc')], [])
ROOTED = LabelTree(['x', 'all'], [list('abc'), ['any']], [[0, 0, 0]])


def path_up(index, tree, level):
    path = [index]
    for links in tree.parents[level:]:
        path.append(links[path[-1]])
    return path


def reference(predicted, target, tree, level):
    pairs = zip(
        path_up(predicted, tree, level),
        path_up(target, tree, level),
        strict=True,
    )
    for steps, (a, b) in enumerate(pairs):
        if a == b:
            return steps
    return tree.num_levels - level


@pytest.mark.parametrize(
    ('tree', 'level'),
    [(TREE, 0), (TREE, 1), (TREE, 2), (FLAT, 0), (ROOTED, 0), (ROOTED, 1)],
)
def test_all_pairs_equal_loops(tree, level):
    count = tree.num_classes(level)
    pairs = torch.cartesian_prod(torch.arange(count), torch.arange(count))
    pairs = pairs.reshape(-1, 2)
    steps = hierarchical_distance(*pairs.unbind(dim=1), tree, level)
    assert steps.dtype == torch.long
    assert steps.tolist() == [
        reference(a, b, tree, level) for a, b in pairs.tolist()
    ]


def test_by_hand():
    # The same; same genus; same family; nothing in common.
    predicted = torch.tensor([0, 1, 2, 0])
    target = torch.tensor([0, 0, 3, 4])
    steps = hierarchical_distance(predicted, target, TREE)
    assert steps.tolist() == [0, 1, 2, 3]
    assert hierarchical_distance(
        torch.tensor([1]), torch.tensor([2]), TREE, 'y'
    ).tolist() == [1]
    assert predicted.tolist() == [0, 1, 2, 0]


def test_no_image():
    nothing = torch.zeros(0, dtype=torch.long)
    assert hierarchical_distance(nothing, nothing, TREE).tolist() == []


@pytest.mark.parametrize(
    ('predicted', 'targets', 'message'),
    [
        ([0, 1], [0], r'\(N,\) both, but are \(2,\) and \(1,\)'),
        ([[0]], [[0]], r'\(N,\) both'),
        ([5], [0], 'predicted class 5 of image 0'),
        ([0, 0], [0, -1], 'target -1 of image 1'),
    ],
)
def test_wrong_input(predicted, targets, message):
    with pytest.raises(ValueError, match=message):
        hierarchical_distance(
            torch.tensor(predicted), torch.tensor(targets), TREE
        )


def test_unknown_level():
    zero = torch.tensor([0])
    with pytest.raises(ValueError, match="no level 'w'"):
        hierarchical_distance(zero, zero, TREE, 'w')
