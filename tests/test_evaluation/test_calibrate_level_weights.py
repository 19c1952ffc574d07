"""The choice of weights: never worse than what it was chosen over."""

import pytest
import torch

from mmc2f.evaluation.functional import calibrate_level_weights
from mmc2f.functional import combine_levels
from mmc2f.structures import LabelTree

TREE = LabelTree(
    ('species', 'genus', 'family'),
    (list('abcdef'), list('xyz'), list('pq')),
    ((0, 0, 1, 1, 2, 2), (0, 0, 1)),
)
ANCESTORS = torch.stack([TREE.ancestors(level) for level in TREE.levels])


def problem(seed=0, rows=200, skill=(2.0, 1.0, 1.0)):
    """Logits of classifiers that know the truth more or less."""
    generator = torch.Generator().manual_seed(seed)
    finest = torch.randint(6, (rows,), generator=generator)
    targets = ANCESTORS[:, finest].T
    logits = []
    for level, known in enumerate(skill):
        z = torch.randn(rows, TREE.num_classes(level), generator=generator)
        z[torch.arange(rows), targets[:, level]] += known
        logits.append(2 * z)
    return logits, targets


def accuracy(logits, targets, level, weight, sharpness):
    scores = combine_levels(logits, TREE, weight, sharpness)[level]
    return 100 * (scores.argmax(1) == targets[:, level]).double().mean().item()


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('skill', [(2, 1, 1), (1, 3, 0), (0, 0, 3)])
def test_is_never_worse_than_any_single_answer(seed, skill):
    logits, targets = problem(seed, skill=skill)
    choices = calibrate_level_weights(logits, targets, TREE)
    implied = ANCESTORS[:, logits[0].argmax(dim=1)].T
    for level, choice in enumerate(choices):
        right = implied[:, level] == targets[:, level]
        assert choice.implied == pytest.approx(
            100 * right.double().mean().item()
        )
        own = logits[level].argmax(dim=1) == targets[:, level]
        assert choice.own == pytest.approx(100 * own.double().mean().item())
        assert choice.accuracy >= max(
            choice.implied, choice.own, choice.marginal
        )
        assert choice.accuracy == pytest.approx(
            accuracy(logits, targets, level, choice.weight, choice.sharpness)
        )
        assert choice.images == 200


def test_agrees_with_a_search_by_loops():
    logits, targets = problem()
    weights, sharpnesses = (0.0, 0.5, 1.0), (1.0, 4.0, float('inf'))
    choice = calibrate_level_weights(
        logits, targets, TREE, weights=weights, sharpnesses=sharpnesses
    )[1]
    found = {}
    for w in weights:
        for s in sharpnesses:
            scores = combine_levels(logits, TREE, w, s)[1].double()
            loss = sum(
                -scores[i, targets[i, 1]].log().item() for i in range(200)
            )
            found[w, s] = accuracy(logits, targets, 1, w, s), loss
    needed = max(found[0, 1][0], found[0, float('inf')][0], found[1, 1][0])
    good = {k: v[1] for k, v in found.items() if v[0] >= needed}
    assert (choice.weight, choice.sharpness) == min(good, key=good.get)


def test_weight_follows_who_knows():
    useless_own, _ = problem(skill=(3, 0, 0)), None
    assert calibrate_level_weights(*useless_own, TREE)[1].weight <= 0.1
    useless_finest = problem(skill=(0, 3, 3))
    for choice in calibrate_level_weights(*useless_finest, TREE)[1:]:
        assert choice.weight >= 0.9


def test_a_level_is_judged_by_the_images_it_is_asked_for():
    sharp, blurred = problem(0, skill=(3, 0, 0)), problem(1, skill=(0, 3, 0))
    logits = [
        torch.cat(pair) for pair in zip(sharp[0], blurred[0], strict=True)
    ]
    targets = torch.cat([sharp[1], blurred[1]])
    asked = torch.arange(2).repeat_interleave(200)
    choices = calibrate_level_weights(logits, targets, TREE, asked)
    alone = calibrate_level_weights(*blurred, TREE)
    assert choices[1] == alone[1]
    # No image was made for families: all count.
    assert [choice.images for choice in choices] == [200, 200, 400]


def test_the_finest_has_nothing_to_choose():
    finest = calibrate_level_weights(*problem(), TREE)[0]
    assert (finest.weight, finest.sharpness) == (1, 1)
    assert finest.own == finest.implied == finest.marginal == finest.accuracy


def test_refuses():
    logits, targets = problem(rows=4)
    with pytest.raises(ValueError, match=r'targets must be \(4, 3\)'):
        calibrate_level_weights(logits, targets[:, :2], TREE)
    with pytest.raises(ValueError, match='no image'):
        calibrate_level_weights([z[:0] for z in logits], targets[:0], TREE)
