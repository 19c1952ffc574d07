"""The first level whose confidence passes its threshold."""

import pytest
import torch

from mmc2f.structures import finest_confident_level

NAN, INFINITY = float('nan'), float('inf')


def reference(confidence, thresholds):
    levels = []
    for row in confidence:
        level = -1
        for i, (value, threshold) in enumerate(
            zip(row, thresholds, strict=True)
        ):
            if level == -1 and value >= threshold:
                level = i
        levels.append(level)
    return levels


@pytest.mark.parametrize('num_levels', [1, 3])
def test_equals_loops(num_levels):
    confidence = torch.rand(50, num_levels).mul(5).round() / 5
    thresholds = torch.rand(num_levels).mul(5).round() / 5
    levels = finest_confident_level(confidence, thresholds)
    assert levels.dtype == torch.long
    assert levels.tolist() == reference(
        confidence.tolist(), thresholds.tolist()
    )


def test_by_hand():
    confidence = torch.tensor(
        [[0.9, 0.9, 0.9], [0.4, 0.9, 0.9], [0.4, 0.4, 0.5], [0.4, 0.4, 0.4]]
    )
    levels = finest_confident_level(confidence, [0.5, 0.5, 0.5])
    assert levels.tolist() == [0, 1, 2, -1]
    assert finest_confident_level(confidence[:0], [0, 0, 0]).tolist() == []


@pytest.mark.parametrize('never', [None, INFINITY])
def test_a_level_that_never_answers(never):
    confidence = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    assert finest_confident_level(confidence, [never, 0.5]).tolist() == [1, -1]


def test_a_threshold_is_passed_by_the_confidence_that_it_was():
    confidence = torch.tensor([[0.1], [0.7]])
    for row in confidence:
        levels = finest_confident_level(row[None], [row.item()])
        assert levels.tolist() == [0]


def test_nan_is_no_confidence():
    confidence = torch.tensor([[NAN, 0.9], [NAN, NAN]])
    assert finest_confident_level(confidence, [0.0, 0.0]).tolist() == [1, -1]


@pytest.mark.parametrize(
    ('confidence', 'thresholds', 'message'),
    [
        (torch.zeros(2, 3), [0.5, 0.5], r'is \(2, 3\) with \(2,\) thresh'),
        (torch.zeros(3), [0.5, 0.5, 0.5], r'must be \(N, L\)'),
        (torch.zeros(2, 2), [0.5, NAN], 'a threshold is NaN'),
    ],
)
def test_wrong_input(confidence, thresholds, message):
    with pytest.raises(ValueError, match=message):
        finest_confident_level(confidence, thresholds)
