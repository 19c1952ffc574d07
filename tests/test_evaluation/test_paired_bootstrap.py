"""Paired bootstrap over images, against a naive loop and what must hold."""

import random

import pytest
import torch

from mmc2f.functional import paired_bootstrap

NAN = float('nan')


def answers(n, share, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, generator=generator) < share


def reference(a, b, resamples, seed):
    """Draws images one by one, by another generator."""
    drawn = random.Random(seed)
    gains = []
    for _ in range(resamples):
        total = 0
        for _ in a:
            i = drawn.randrange(len(a))
            total += 100 * (int(b[i]) - int(a[i]))
        gains.append(total / len(a))
    gains.sort()
    return gains[int(0.025 * resamples)], gains[int(0.975 * resamples)]


def test_agrees_with_a_naive_loop():
    a, b = answers(60, 0.6, 1), answers(60, 0.8, 2)
    result = paired_bootstrap(a, b)
    assert result.gain == pytest.approx(
        100 * (b.double().mean() - a.double().mean()).item()
    )
    low, high = reference(a.tolist(), b.tolist(), 4000, seed=3)
    # Multiples of 1/60 of 100 points; both draw at random.
    assert result.low == pytest.approx(low, abs=1.8)
    assert result.high == pytest.approx(high, abs=1.8)


def test_agrees_with_the_normal_interval_of_many_images():
    a, b = answers(4000, 0.7, 1), answers(4000, 0.75, 2)
    difference = 100 * (b.double() - a.double())
    half = 1.96 * difference.std().item() / 4000**0.5
    gain, low, high = paired_bootstrap(a, b)
    assert low == pytest.approx(gain - half, abs=0.1)
    assert high == pytest.approx(gain + half, abs=0.1)


def test_covers_the_true_gain_as_often_as_it_says():
    holds = 0
    for seed in range(100):
        a, b = answers(200, 0.6, 2 * seed), answers(200, 0.7, 2 * seed + 1)
        _, low, high = paired_bootstrap(a, b, confidence=0.8, resamples=500)
        holds += low <= 10 <= high
    # 80 expected, standard deviation 4.
    assert 68 <= holds <= 92


def test_pairing_narrows_the_interval():
    a = answers(300, 0.7, 1)
    b = a.clone()
    b[(~a).nonzero().flatten()[:6]] = True
    paired = paired_bootstrap(a, b)
    mixed = paired_bootstrap(a, b.roll(150))
    assert paired.gain == pytest.approx(2)
    assert mixed.gain == pytest.approx(2)
    assert paired.low > 0 > mixed.low


def test_turning_round_turns_the_sign():
    a, b = answers(50, 0.5, 1), answers(50, 0.7, 2)
    there, back = paired_bootstrap(a, b), paired_bootstrap(b, a)
    assert there == pytest.approx((-back.gain, -back.high, -back.low), abs=2)


def test_runs_are_averaged_image_by_image():
    runs = torch.stack([answers(40, 0.6, s) for s in range(3)])
    base = answers(40, 0.5, 9)
    result = paired_bootstrap(base, runs)
    assert result == paired_bootstrap(base, runs.double().mean(dim=0))
    assert paired_bootstrap(base[None], runs) == result


def test_equal_answers_have_no_interval():
    a = answers(30, 0.5, 1)
    assert paired_bootstrap(a, a) == (0, 0, 0)


def test_a_single_image_is_its_own_interval():
    one, none = torch.tensor([True]), torch.tensor([False])
    assert paired_bootstrap(none, one) == (100, 100, 100)


def test_the_seed_decides():
    a, b = answers(30, 0.5, 1), answers(30, 0.6, 2)
    options = dict(resamples=200)
    first = paired_bootstrap(a, b, seed=1, **options)
    assert first == paired_bootstrap(a, b, seed=1, **options)
    assert first != paired_bootstrap(a, b, seed=4, **options)


def test_more_images_than_fit_a_batch():
    a, b = answers(2000, 0.5, 1), answers(2000, 0.5, 2)
    _, low, high = paired_bootstrap(a, b, resamples=6000)
    assert low < high


@pytest.mark.parametrize(
    ('a', 'b', 'options', 'message'),
    [
        ([], [], {}, r'correct_a must be .* but is \(0,\)'),
        ([[[1]]], [1], {}, r'is \(1, 1, 1\)'),
        ([1, 0], [1], {}, 'a has 2 images and b has 1'),
        ([1, 0], [NAN, 1], {}, 'correct_b has a NaN'),
        ([1], [1], dict(confidence=1), 'confidence must be'),
        ([1], [1], dict(resamples=0), 'resamples must be at least 1'),
    ],
)
def test_refuses(a, b, options, message):
    with pytest.raises(ValueError, match=message):
        paired_bootstrap(torch.tensor(a), torch.tensor(b), **options)
