"""Accuracy of the most confident answers against how many they are."""

import pytest
import torch

from mmc2f.evaluation import coverage_accuracy

NAN = float('nan')


def reference(confidence, correct):
    """One point for each confidence that occurs, by loops."""
    points = []
    for threshold in sorted(set(confidence), reverse=True):
        answers = [
            right
            for value, right in zip(confidence, correct, strict=True)
            if value >= threshold
        ]
        points.append(
            (len(answers) / len(confidence), sum(answers) / len(answers))
        )
    return tuple(map(list, zip(*points, strict=True)))


@pytest.mark.parametrize('has_ties', [False, True])
@pytest.mark.parametrize('seed', range(3))
def test_equals_loops(seed, has_ties):
    generator = torch.Generator().manual_seed(seed)
    confidence = torch.rand(40, generator=generator)
    if has_ties:
        confidence = confidence.mul(6).round()
    correct = torch.rand(40, generator=generator) < 0.7
    coverage, accuracy = coverage_accuracy(confidence, correct)
    expected = reference(confidence.tolist(), correct.tolist())
    assert coverage.tolist() == pytest.approx(expected[0])
    assert accuracy.tolist() == pytest.approx(expected[1])
    assert coverage[-1] == 1
    assert coverage.dtype == accuracy.dtype == torch.double


def test_order_of_equal_confidence_is_no_matter():
    confidence = torch.ones(4)
    for correct in ([True, True, False, False], [False, True, False, True]):
        coverage, accuracy = coverage_accuracy(
            confidence, torch.tensor(correct)
        )
        assert (coverage.tolist(), accuracy.tolist()) == ([1], [0.5])


def test_without_mistakes():
    _, accuracy = coverage_accuracy(torch.rand(5), torch.ones(5).bool())
    assert accuracy.tolist() == [1] * 5


@pytest.mark.parametrize(
    ('confidence', 'correct', 'message'),
    [
        ([], [], 'no image'),
        ([0.5], [True, False], r'are \(1,\) and \(2,\)'),
        ([[0.5]], [[True]], r'must be \(N,\)'),
        ([0.5, NAN], [True, True], 'confidence of image 1 is NaN'),
    ],
)
def test_wrong_input(confidence, correct, message):
    with pytest.raises(ValueError, match=message):
        coverage_accuracy(
            torch.tensor(confidence), torch.tensor(correct).bool()
        )
