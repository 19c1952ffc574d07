"""Own classifier and finest probabilities, against loops and limits."""

import math

import pytest
import torch

from mmc2f.functional import combine_levels, sum_to_levels
from mmc2f.structures import LabelTree

INFINITY = float('inf')
TREE = LabelTree(
    ('species', 'genus', 'family'),
    (list('abcde'), list('xyz'), list('pq')),
    ((0, 1, 1, 2, 1), (0, 0, 1)),
)


def logits(seed=0, rows=6, scale=2.0):
    generator = torch.Generator().manual_seed(seed)
    return [
        scale * torch.randn(rows, TREE.num_classes(level), generator=generator)
        for level in TREE.levels
    ]


def softmax(values):
    total = sum(math.exp(v) for v in values)
    return [math.exp(v) / total for v in values]


def reference(row, level, weight, sharpness):
    """One image at one level, written from the equations."""
    finest = softmax([sharpness * z for z in row[0]])
    own = softmax(row[level])
    ancestors = TREE.ancestors(level).tolist()
    mixed = []
    for k in range(len(own)):
        below = sum(p for c, p in enumerate(finest) if ancestors[c] == k)
        mixed.append(own[k] ** weight * below ** (1 - weight))
    return [value / sum(mixed) for value in mixed]


@pytest.mark.parametrize('sharpness', [1.0, 0.5, 3.0])
@pytest.mark.parametrize('weight', [0.0, 0.3, 1.0])
def test_equals_loops(weight, sharpness):
    given = logits()
    result = combine_levels(given, TREE, weight, sharpness)
    assert torch.equal(result[0], given[0].softmax(dim=1))
    for level in (1, 2):
        for i in range(len(given[0])):
            row = [z[i].tolist() for z in given]
            assert result[level][i].tolist() == pytest.approx(
                reference(row, level, weight, sharpness), rel=1e-5
            )


def test_ends_are_the_sums_and_the_own_classifier():
    given = logits()
    sums = sum_to_levels(given[0].softmax(dim=1), TREE)
    for found, expected in zip(
        combine_levels(given, TREE, 0), sums, strict=True
    ):
        torch.testing.assert_close(found, expected)
    for found, own in zip(combine_levels(given, TREE, 1), given, strict=True):
        torch.testing.assert_close(found, own.softmax(dim=1))


def test_each_level_has_its_own_numbers():
    given = logits()
    result = combine_levels(given, TREE, (0.9, 0.2, 1), [5, 2, 1])
    torch.testing.assert_close(result[0], given[0].softmax(dim=1))
    torch.testing.assert_close(
        result[1], combine_levels(given, TREE, 0.2, 2)[1]
    )
    torch.testing.assert_close(result[2], given[2].softmax(dim=1))


def test_infinite_sharpness_is_the_class_of_the_finest_answer():
    # Species a has 0.4, but its genus x less than y with b, c and e.
    finest = torch.tensor([[0.4, 0.2, 0.2, 0.0, 0.2]]).log()
    given = [finest.clamp(min=-50), *(z[:1] for z in logits()[1:])]
    assert combine_levels(given, TREE)[1].argmax() == 1
    sharp = combine_levels(given, TREE, 0, INFINITY)
    assert sharp[1].tolist() == [[1, 0, 0]]
    assert sharp[2].tolist() == [[1, 0]]


def test_the_whole_tree_agrees_with_each_level():
    """r_l sums one distribution over the finest classes."""
    given, weight = logits(3), 0.4
    result = combine_levels(given, TREE, weight)
    finest = given[0].double().softmax(dim=1)
    for level in (1, 2):
        ancestors = TREE.ancestors(level)
        own = given[level].double().softmax(dim=1)
        sums = sum_to_levels(finest, TREE)[level]
        leaves = finest * (own / sums)[:, ancestors] ** weight
        leaves = leaves / leaves.sum(dim=1, keepdim=True)
        torch.testing.assert_close(
            sum_to_levels(leaves, TREE)[level].float(), result[level]
        )
        # Within a branch nothing has changed.
        b, c = leaves[:, 1], leaves[:, 2]
        torch.testing.assert_close(b / c, finest[:, 1] / finest[:, 2])


def test_sure_classifiers_give_numbers():
    given = [1e4 * z for z in logits()]
    for weight in (0.0, 0.5, 1.0):
        for scores in combine_levels(given, TREE, weight):
            torch.testing.assert_close(
                scores.sum(dim=1), torch.ones(len(scores))
            )


def test_half_precision_and_no_images():
    half = combine_levels([z.half() for z in logits()], TREE, 0.5)
    assert {scores.dtype for scores in half} == {torch.float16}
    empty = combine_levels([z[:0] for z in logits()], TREE, 0.5)
    assert [tuple(scores.shape) for scores in empty] == [
        (0, 5),
        (0, 3),
        (0, 2),
    ]


@pytest.mark.parametrize(
    ('change', 'weight', 'sharpness', 'message'),
    [
        (lambda z: z, 1.1, 1, r'weight must be in \[0, 1\], got 1.1'),
        (lambda z: z, float('nan'), 1, 'weight must be in'),
        (lambda z: z, 0, 0, 'sharpness must be over 0, got 0'),
        (lambda z: z, (0, 1), 1, '2 values of weight for the levels spec'),
        (lambda z: z, 0, (1,), '1 values of sharpness'),
        (lambda z: z[:2], 0, 1, '2 logits for the levels species, genus'),
        (lambda z: [z[0], z[2], z[1]], 0, 1, r"'genus' must be \(N, 3\)"),
        (lambda z: [z[0] * NAN, *z[1:]], 0, 1, '6 of 6 images are NaN'),
    ],
)
def test_refuses(change, weight, sharpness, message):
    with pytest.raises(ValueError, match=message):
        combine_levels(change(logits()), TREE, weight, sharpness)


NAN = float('nan')
