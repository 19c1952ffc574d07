"""Thresholds with which the answers are right often enough."""

import pytest
import torch

from mmc2f.evaluation import (
    calibrate_level_thresholds,
    finest_confident_level,
)

NAN, INFINITY = float('nan'), float('inf')


def simulate(num_images, num_levels=2, seed=0, steps=None):
    """Images that are right about as often as their confidence says."""
    generator = torch.Generator().manual_seed(seed)

    def draw():
        return torch.rand(
            num_images, num_levels, generator=generator, dtype=torch.double
        )

    confidence = draw().sort(dim=1).values
    if steps:
        confidence = confidence.mul(steps).round() / steps
    return confidence, draw() < confidence


def smallest(pairs, target, min_accepted=1):
    """Smallest of the confidences that does, by trying all."""
    found = INFINITY
    for threshold, _ in pairs:
        answers = [right for value, right in pairs if value >= threshold]
        is_good = sum(answers) / len(answers) >= target
        if is_good and len(answers) >= min_accepted:
            found = min(found, threshold)
    return found


def smallest_in_each(rows, target, min_accepted):
    """Smallest confidence that does in all and in each group, by trying."""
    found = INFINITY
    for threshold, _, _ in rows:
        accepted = [row for row in rows if row[0] >= threshold]
        right = sum(is_right for _, is_right, _ in accepted)
        is_good = right / len(accepted) >= target
        for group in {group for _, _, group in rows}:
            answers = [
                is_right for _, is_right, own in accepted if own == group
            ]
            while len(answers) < min_accepted:
                answers.append(True)
            is_good = is_good and sum(answers) / len(answers) >= target
        if is_good and len(accepted) >= min_accepted:
            found = min(found, threshold)
    return found


def reference(confidence, correct, target, **options):
    """Level by level, each on the images that the finer ones leave."""
    confidence, correct = confidence.tolist(), correct.tolist()
    left = list(range(len(confidence)))
    thresholds = []
    for level in range(len(confidence[0])):
        pairs = [(confidence[i][level], correct[i][level]) for i in left]
        found = smallest(pairs, target, **options)
        thresholds.append(found)
        left = [i for i in left if confidence[i][level] < found]
    return thresholds


@pytest.mark.parametrize('num_levels', [1, 3])
@pytest.mark.parametrize('steps', [None, 8])
@pytest.mark.parametrize(
    'options',
    [
        dict(target=0.8),
        dict(target=1.0),
        dict(target=0.9, min_accepted=9),
        dict(target=0.55, min_accepted=120),
    ],
)
def test_equals_loops(options, steps, num_levels):
    confidence, correct = simulate(500, num_levels, steps=steps)
    thresholds = calibrate_level_thresholds(confidence, correct, **options)
    assert thresholds.dtype == torch.double
    expected = reference(confidence, correct, **options)
    assert thresholds.tolist() == pytest.approx(expected)
    if options['target'] < 0.8:
        assert min(expected) < 1


@pytest.mark.parametrize('steps', [None, 8])
@pytest.mark.parametrize('min_accepted', [1, 7])
def test_groups_equal_loops(min_accepted, steps):
    confidence, correct = simulate(300, 3, steps=steps)
    groups = torch.arange(300) % 3
    # The last group is wrong more often.
    correct &= (groups < 2)[:, None] | (torch.rand(300, 3) < 0.8)
    thresholds = calibrate_level_thresholds(
        confidence, correct, 0.75, min_accepted, groups=groups
    )
    left = list(range(300))
    for level, threshold in enumerate(thresholds.tolist()):
        rows = [
            (*pair, group)
            for *pair, group in zip(
                confidence[left, level].tolist(),
                correct[left, level].tolist(),
                groups[left].tolist(),
                strict=True,
            )
        ]
        assert threshold == smallest_in_each(rows, 0.75, min_accepted)
        left = [i for i in left if confidence[i, level] < threshold]
    pooled = calibrate_level_thresholds(
        confidence, correct, 0.75, min_accepted
    )
    assert thresholds[0] > pooled[0]


def test_one_group_is_no_group():
    confidence, correct = simulate(100)
    for min_accepted in (1, 5, 200):
        assert calibrate_level_thresholds(
            confidence,
            correct,
            *(0.8, min_accepted),
            groups=torch.zeros(100).long(),
        ).equal(
            calibrate_level_thresholds(confidence, correct, 0.8, min_accepted)
        )


def test_what_a_group_lacks_counts_as_right():
    confidence = torch.tensor([[0.9], [0.8], [0.7], [0.6], [0.5]])
    correct = torch.tensor([[True], [True], [False], [True], [True]])
    groups = torch.tensor([0, 0, 1, 0, 0])
    for min_accepted, expected in ((1, 0.8), (4, INFINITY), (5, 0.5)):
        threshold = calibrate_level_thresholds(
            confidence, correct, 0.8, min_accepted, groups=groups
        )
        assert threshold.item() == pytest.approx(expected)


def test_groups_ask_for_no_less_than_all_together():
    # Each group would do, for what it lacks, but both together do not.
    confidence = torch.full((4, 1), 0.5)
    correct = torch.tensor([[True], [False], [True], [False]])
    groups = torch.tensor([0, 0, 1, 1])
    for own in (None, groups):
        threshold = calibrate_level_thresholds(
            confidence, correct, 0.6, 3, groups=own
        )
        assert threshold == INFINITY


def test_every_level_reaches_the_target_where_it_answers():
    confidence, correct = simulate(2000, 3)
    for target in (0.5, 0.75, 0.9):
        thresholds = calibrate_level_thresholds(confidence, correct, target)
        levels = finest_confident_level(confidence, thresholds)
        for level in range(3):
            assert correct[levels == level, level].double().mean() >= target


def test_a_coarse_level_is_calibrated_on_what_the_fine_one_leaves():
    # Each easy image passes at level 0; the hard ones are wrong at level 1,
    # where all images together would be right often enough.
    confidence = torch.tensor([[0.9, 0.9]] * 9 + [[0.1, 0.9]])
    correct = torch.tensor([[True, True]] * 9 + [[False, False]])
    thresholds = calibrate_level_thresholds(confidence, correct, 0.9)
    assert thresholds.tolist() == [pytest.approx(0.1), INFINITY]
    thresholds = calibrate_level_thresholds(confidence, correct, 0.95)
    assert thresholds.tolist() == [pytest.approx(0.9), INFINITY]


def test_exact_share_is_enough():
    confidence = torch.arange(10, 0, -1)[:, None] / 10
    for right, target in ((9, 0.9), (7, 0.7), (3, 0.3)):
        correct = torch.arange(10)[:, None] < right
        threshold = calibrate_level_thresholds(confidence, correct, target)
        assert threshold.item() == pytest.approx(0.1)


def test_ties_are_accepted_together_or_not_at_all():
    confidence = torch.tensor([[0.9], [0.5], [0.5]])
    correct = torch.tensor([[True], [True], [False]])
    assert calibrate_level_thresholds(
        confidence, correct, 0.9
    ).item() == pytest.approx(0.9)
    assert calibrate_level_thresholds(confidence, correct, 0.6) == 0.5


def test_no_mistake_lets_the_finest_level_answer_all():
    confidence, correct = simulate(30)
    thresholds = calibrate_level_thresholds(
        confidence, torch.ones_like(correct), 1.0
    )
    assert thresholds.tolist() == [confidence[:, 0].min().item(), INFINITY]


def test_nothing_right_lets_no_level_answer():
    confidence, correct = simulate(30)
    thresholds = calibrate_level_thresholds(
        confidence, torch.zeros_like(correct), 0.01
    )
    assert thresholds.tolist() == [INFINITY, INFINITY]


def true_accuracy(threshold):
    """Of :func:`simulate` at one level: confidence is uniform over 0..1."""
    return (1 + threshold) / 2


def test_accuracy_on_new_images_falls_short_about_every_other_time():
    target, trials = 0.8, 200
    short = 0
    for seed in range(trials):
        confidence, correct = simulate(1000, 1, seed=seed)
        threshold = calibrate_level_thresholds(confidence, correct, target)
        short += true_accuracy(threshold.item()) < target
    # As the docstring says.
    assert 0.4 < short / trials < 0.8


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(confidence=torch.zeros(0, 2)), r'are \(0, 2\) and \(3, 2\)'),
        (
            dict(confidence=torch.zeros(0, 2), correct=torch.zeros(0, 2)),
            'no image to calibrate',
        ),
        (dict(confidence=torch.zeros(3)), r'must be \(N, L\)'),
        (
            dict(confidence=torch.tensor([[0, 0], [0, NAN], [0, 0]])),
            'confidence of image 1 is NaN',
        ),
        (dict(target=0), 'target is a share, over 0 .* got 0'),
        (dict(target=90), 'got 90'),
        (dict(target=NAN), 'got nan'),
        (dict(min_accepted=0), 'at least 1, but got 0'),
    ],
)
def test_wrong_input(changes, message):
    arguments = dict(
        confidence=torch.zeros(3, 2), correct=torch.zeros(3, 2), target=0.9
    )
    with pytest.raises(ValueError, match=message):
        calibrate_level_thresholds(**{**arguments, **changes})
