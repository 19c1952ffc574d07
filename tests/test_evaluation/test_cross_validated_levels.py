"""Each half judged by the thresholds of the other."""

import pytest
import torch

from mmc2f.evaluation import (
    calibrate_level_thresholds,
    finest_confident_level,
)
from mmc2f.evaluation.functional import cross_validated_levels, split_images


def test_all_rows_of_an_image_are_in_one_half():
    images = [f'{i}.png' for i in range(9)]
    rows = [*images, *reversed(images), *images]
    in_second = split_images(rows)
    halves = {name: set() for name in images}
    for name, half in zip(rows, in_second.tolist(), strict=True):
        halves[name].add(half)
    assert all(len(half) == 1 for half in halves.values())
    assert [halves[name] for name in images] == [
        {i % 2 == 1} for i in range(9)
    ]


def test_halves_do_not_depend_on_the_order():
    names = [5, 3, 1, 4, 2]
    in_second = split_images(names).tolist()
    assert dict(zip(names, in_second, strict=True)) == {
        **{1: False, 2: True, 3: False},
        **{4: True, 5: False},
    }
    assert split_images([]).tolist() == []


def test_equals_each_half_by_hand():
    confidence = torch.rand(200, 2)
    correct = torch.rand(200, 2) < confidence
    in_second = split_images(list(range(100)) * 2)
    levels = cross_validated_levels(
        confidence, correct, in_second, 0.7, min_accepted=3
    )
    for half in (in_second, ~in_second):
        thresholds = calibrate_level_thresholds(
            confidence[half], correct[half], 0.7, min_accepted=3
        )
        expected = finest_confident_level(confidence[~half], thresholds)
        assert levels[~half].equal(expected)
    assert set(levels.tolist()) == {-1, 0, 1}


def test_an_image_is_not_judged_by_itself():
    # The right answers of the first half are of no use to the second.
    confidence = torch.full((8, 1), 0.5)
    in_second = torch.arange(8) % 2 == 1
    correct = ~in_second[:, None]
    levels = cross_validated_levels(confidence, correct, in_second, 0.9)
    assert levels.tolist() == [-1, 0] * 4


@pytest.mark.parametrize('images', [['a'], ['a', 'a', 'a']])
def test_one_image_alone(images):
    rows = len(images)
    with pytest.raises(ValueError, match='one image alone cannot be both'):
        cross_validated_levels(
            torch.zeros(rows, 2),
            torch.zeros(rows, 2).bool(),
            split_images(images),
            0.9,
        )
