"""Every image once, no group torn, each class near its part."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmc2f.own_data.split import LEAST_TO_TRAIN, propose_split

IMAGES = st.lists(
    st.tuples(st.sampled_from('abcde'), st.integers(0, 30)),
    min_size=1,
    max_size=120,
)
# Near duplicates of one class each, as nearly all are.
PURE = IMAGES.map(lambda images: [(c, 5 * g + ord(c)) for c, g in images])
FRACTION = st.floats(0.05, 0.6)


def split(images, fractions, seed=0):
    labels, groups = zip(*images, strict=True)
    return propose_split(labels, groups, fractions, seed)


@given(IMAGES, FRACTION, st.integers(0, 9))
def test_no_group_is_torn_and_no_class_is_lost(images, fraction, seed):
    splits = split(images, {'val': fraction}, seed)
    assert len(splits) == len(images)
    assert set(splits) <= {'train', 'val'}
    homes = defaultdict(set)
    for (_, group), name in zip(images, splits, strict=True):
        homes[group].add(name)
    assert all(len(names) == 1 for names in homes.values())
    total = Counter(label for label, _ in images)
    train = Counter(
        label
        for (label, _), name in zip(images, splits, strict=True)
        if name == 'train'
    )
    for label, count in total.items():
        assert train[label] >= min(count, LEAST_TO_TRAIN)


@given(IMAGES, FRACTION, st.integers(0, 9))
def test_same_seed_same_split(images, fraction, seed):
    fractions = {'test': 0.1, 'val': min(fraction, 0.8)}
    assert split(images, fractions, seed) == split(images, fractions, seed)


@given(PURE, FRACTION, st.integers(0, 9))
def test_stratified_as_well_as_groups_allow(images, fraction, seed):
    splits = split(images, {'val': fraction}, seed)
    sizes = defaultdict(Counter)
    for label, group in images:
        sizes[label][group] += 1
    for label, groups in sizes.items():
        held = sum(
            one == label and name == 'val'
            for (one, _), name in zip(images, splits, strict=True)
        )
        target = round(fraction * groups.total())
        assert abs(held - target) <= max(groups.values())
        if len(groups) > 1 and groups.total() - min(groups.values()) >= 2:
            assert held


@given(st.integers(3, 60), FRACTION)
def test_single_images_are_split_to_the_image(count, fraction):
    splits = split([('a', i) for i in range(count)], {'val': fraction})
    target = max(1, round(fraction * count))
    assert splits.count('val') == min(target, count - LEAST_TO_TRAIN)


def test_seeds_differ():
    images = [('a', i) for i in range(50)]
    chosen = {tuple(split(images, {'val': 0.2}, seed)) for seed in range(5)}
    assert len(chosen) == 5


def test_three_parts():
    images = [(label, i) for i in range(100) for label in 'ab']
    images = [(label, 2 * i + (label == 'b')) for label, i in images]
    splits = split(images, {'test': 0.1, 'val': 0.2})
    assert Counter(splits) == {'train': 140, 'val': 40, 'test': 20}


def test_a_class_that_is_one_group_stays_in_training():
    images = [('a', 0)] * 10 + [('b', i) for i in range(1, 11)]
    splits = split(images, {'val': 0.2})
    assert set(splits[:10]) == {'train'}
    assert splits[10:].count('val') == 2


@pytest.mark.parametrize(
    ('fractions', 'message'),
    [
        ({'val': 0}, 'fraction of val must be between 0 and 1'),
        ({'val': 1.5}, 'must be between 0 and 1, got 1.5'),
        ({'test': 0.5, 'val': 0.5}, 'of test and val leave nothing'),
    ],
)
def test_fractions_that_are_none(fractions, message):
    with pytest.raises(ValueError, match=message):
        split([('a', 0)], fractions)
