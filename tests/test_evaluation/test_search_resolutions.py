"""The search of section 2, on made-up curves of accuracy."""

import random

import pytest

from mmc2f.evaluation import search_resolutions

RESOLUTIONS = (448, 224, 112, 56, 28)
#: By level: accuracy at each of these.
CURVES = (
    (0.90, 0.85, 0.79, 0.60, 0.30),
    (0.95, 0.90, 0.60, 0.81, 0.50),
    (0.99, 0.98, 0.97, 0.90, 0.85),
)


def lookup(level, resolution):
    return CURVES[level][RESOLUTIONS.index(resolution)]


def literal(curves, resolutions, thresholds):
    """Section 2 word for word: one walk down, changing the objective."""
    answers, level = [], 0
    for position, resolution in enumerate(resolutions):
        if level == len(thresholds):
            break
        if curves[level][position] < thresholds[level]:
            answers.append(resolution)
            level += 1
    return tuple(answers)


def test_next_level_goes_on_from_the_next_lower_resolution():
    # Level 1 is under its threshold at 112 too, but that is level 0's.
    assert search_resolutions(lookup, RESOLUTIONS, (0.8, 0.8)) == (112, 28)


@pytest.mark.parametrize(
    ('thresholds', 'found'),
    [
        ((0.8,), (112,)),
        ((0.9, 0.8), (224, 112)),  # equal to the threshold is not under it
        ((0.8, 0.82), (112, 56)),  # under it at the first that it is asked
        ((0.9, 0.85, 0.92), (224, 112, 56)),
    ],
)
def test_equals_the_paper_word_by_word(thresholds, found):
    assert literal(CURVES, RESOLUTIONS, thresholds) == found
    assert search_resolutions(lookup, RESOLUTIONS, thresholds) == found


def test_random_curves_equal_the_paper_word_by_word():
    draw, resolutions = random.Random(0), tuple(range(40, 0, -1))
    for _ in range(200):
        # Mostly falling, with the bumps of a small validation set.
        curves = [
            [
                min(1.0, max(0.0, r / 40 + draw.uniform(-0.1, 0.1)))
                for r in resolutions
            ]
            for _ in range(2)
        ]
        curves[0][0] = 1.0
        thresholds = draw.uniform(0.4, 0.9), draw.uniform(0.2, 0.9)
        found = search_resolutions(
            lambda level, r, c=curves: c[level][40 - r],
            resolutions,
            thresholds,
        )
        assert found == literal(curves, resolutions, thresholds)


def test_order_of_the_resolutions_does_not_matter():
    found = search_resolutions(lookup, (56, 448, 28, 112, 224), (0.8, 0.8))
    assert found == (112, 28)


def test_measures_only_what_it_needs_and_nothing_twice():
    asked = []

    def measure(level, resolution):
        asked.append((level, resolution))
        return lookup(level, resolution)

    search_resolutions(measure, RESOLUTIONS, (0.88, 0.7))
    assert asked == [(0, 448), (0, 224), (1, 112)]


@pytest.mark.parametrize(
    ('thresholds', 'message'),
    [
        (
            (0.95, 0.8),
            r'highest resolution, 448, .* is 0\.900 .*, 0\.050 below its '
            r'threshold 0\.95.*--relative.*train',
        ),
        ((0.2, 0.8), r'Level 0 never .* 0\.2: .* 28, .* still 0\.300'),
        ((0.8, 0.4), r'Level 1 never .* 0\.4: .* 28, .* still 0\.500'),
        ((0.5, 0.8), r'No resolution below 28, where level 0 ends, .*level 1'),
        ((0.8, 0.0), 'threshold must be a share .* got 0'),
        ((80, 80), 'threshold must be a share .* got 80'),
        ((float('nan'),), 'threshold must be a share .* got nan'),
        ((), 'no threshold'),
    ],
)
def test_a_search_that_finds_nothing_says_why(thresholds, message):
    with pytest.raises(ValueError, match=message):
        search_resolutions(lookup, RESOLUTIONS, thresholds)


@pytest.mark.parametrize(
    ('resolutions', 'message'),
    [
        ((), 'no resolution to choose'),
        ((448, 112, 448), '448 is given more than once'),
        ((448, 0), 'must be positive, got 0'),
    ],
)
def test_wrong_resolutions(resolutions, message):
    with pytest.raises(ValueError, match=message):
        search_resolutions(lookup, resolutions, (0.8, 0.8))


@pytest.mark.parametrize('accuracy', [85.0, -0.1, float('nan')])
def test_accuracies_must_be_shares(accuracy):
    with pytest.raises(ValueError, match=r'shares .* at resolution 448'):
        search_resolutions(lambda *_: accuracy, RESOLUTIONS, (0.8,))
