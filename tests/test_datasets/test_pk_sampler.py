from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import (
    BaseDataset,
    ClassBalancedDataset,
    ConcatDataset,
    RepeatDataset,
)
from mmengine.registry import DATA_SAMPLERS
from mmengine.runner import Runner

from mmc2f.datasets.samplers import PKSampler, pk_sampler
from mmc2f.datasets.samplers.shuffled_rounds import ShuffledRounds


class Labelled(BaseDataset):
    """Samples that are nothing but a label."""

    def __init__(self, labels):
        self.labels = labels
        super().__init__(serialize_data=False)

    def load_data_list(self):
        return [{'gt_label': label} for label in self.labels]

    def get_cat_ids(self, idx):
        return [self.labels[idx]]


def batches(sampler):
    indices = list(sampler)
    assert len(indices) == len(sampler)
    return [
        indices[start : start + sampler.batch_size]
        for start in range(0, len(indices), sampler.batch_size)
    ]


def set_rank(monkeypatch, rank, world_size):
    monkeypatch.setattr(
        pk_sampler, 'get_dist_info', lambda: (rank, world_size)
    )


LABELS = [label for label in range(6) for _ in range(5 + 2 * label)]


@given(
    size=st.integers(1, 12),
    counts=st.lists(st.integers(1, 30), max_size=20),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=60)
def test_rounds_are_even_and_distinct(size, counts, seed):
    rounds = ShuffledRounds(range(size), np.random.default_rng(seed))
    total = Counter(dict.fromkeys(range(size), 0))
    for count in counts:
        drawn = Counter(rounds.draw(count))
        assert drawn.total() == count
        assert max(drawn.values()) <= -(-count // size)
        total.update(drawn)
        assert max(total.values()) - min(total.values()) <= 1


def test_every_batch_has_p_classes_of_k_images():
    sampler = PKSampler(Labelled(LABELS), 4, 3, seed=0)
    assert len(batches(sampler)) == len(LABELS) // 12
    for batch in batches(sampler):
        assert len(set(batch)) == 12
        counts = Counter(LABELS[index] for index in batch)
        assert sorted(counts.values()) == [3] * 4


def test_classes_come_up_equally_often():
    sampler = PKSampler(Labelled(LABELS), 4, 3, batches_per_epoch=10, seed=1)
    counts = Counter(LABELS[index] for index in sampler)
    assert set(counts) == set(range(6))
    assert max(counts.values()) - min(counts.values()) <= 3


def test_images_of_a_class_come_up_equally_often():
    sampler = PKSampler(Labelled(LABELS), 6, 3, batches_per_epoch=10, seed=1)
    counts = Counter(sampler)
    for label in range(6):
        own = [counts[i] for i, each in enumerate(LABELS) if each == label]
        assert max(own) - min(own) <= 1


def test_order_depends_on_seed_and_epoch_only():
    dataset = Labelled(LABELS)
    sampler = PKSampler(dataset, 3, 2, seed=5)
    orders = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    assert orders[0] != orders[1] != orders[2]
    resumed = PKSampler(dataset, 3, 2, seed=5)
    resumed.set_epoch(2)
    assert list(resumed) == orders[2]
    assert list(PKSampler(dataset, 3, 2, seed=6)) != orders[0]


def test_ranks_share_out_one_order(monkeypatch):
    dataset = Labelled(LABELS)
    ranks = []
    for rank in range(2):
        set_rank(monkeypatch, rank, 2)
        ranks.append(PKSampler(dataset, 2, 2, batches_per_epoch=5, seed=3))
    set_rank(monkeypatch, 0, 1)
    single = PKSampler(dataset, 2, 2, batches_per_epoch=10, seed=3)
    first, second = map(batches, ranks)
    assert len(first) == len(second) == 5
    assert [b for pair in zip(first, second, strict=True) for b in pair] == (
        batches(single)
    )
    set_rank(monkeypatch, 1, 2)
    filled = PKSampler(dataset, 2, 2, seed=3)
    assert filled.batches_per_epoch == len(LABELS) // 8


def test_no_seed_is_drawn(monkeypatch):
    monkeypatch.setattr(pk_sampler, 'sync_random_seed', lambda: 11)
    assert PKSampler(Labelled(LABELS), 2, 2).seed == 11


def test_small_class_is_repeated_and_reported(monkeypatch):
    lines = []
    monkeypatch.setattr(
        pk_sampler, 'print_log', lambda text, **kwargs: lines.append(text)
    )
    labels = [0, 0, 0, 0, 1, 2, 2]
    sampler = PKSampler(Labelled(labels), 3, 4, batches_per_epoch=2, seed=0)
    assert lines == [
        '2 of 3 classes have fewer than 4 images (fewest: class 1 with 1); '
        'theirs are repeated in a batch'
    ]
    for batch in batches(sampler):
        assert Counter(batch) == {
            **dict.fromkeys(range(4), 1),
            4: 4,
            5: 2,
            6: 2,
        }
    list(sampler)
    assert len(lines) == 1
    PKSampler(Labelled(LABELS), 3, 4, seed=0)
    assert len(lines) == 1


def test_dataset_smaller_than_a_batch_gives_one():
    assert len(batches(PKSampler(Labelled([0, 1]), 2, 3, seed=0))) == 1


@pytest.mark.parametrize(
    'wrap',
    [
        lambda dataset: ConcatDataset([dataset, dataset]),
        lambda dataset: RepeatDataset(dataset, 2),
        lambda dataset: ClassBalancedDataset(dataset, 0.5),
    ],
)
def test_wrapped_datasets(wrap):
    dataset = wrap(Labelled(LABELS))
    for batch in batches(PKSampler(dataset, 3, 2, seed=0)):
        labels = [dataset.get_data_info(i)['gt_label'] for i in batch]
        assert sorted(Counter(labels).values()) == [2] * 3


def test_in_a_dataloader_of_the_runner():
    loader = Runner.build_dataloader(
        {
            'dataset': Labelled(LABELS),
            'sampler': {
                'type': 'mmc2f.PKSampler',
                'num_classes_per_batch': 3,
                'num_images_per_class': 2,
            },
            'batch_size': 6,
            'num_workers': 0,
            'collate_fn': {'type': 'pseudo_collate'},
        },
        seed=0,
    )
    loaded = [batch['gt_label'] for batch in loader]
    assert len(loaded) == len(loader) == len(LABELS) // 6
    for labels in loaded:
        assert sorted(Counter(labels).values()) == [2] * 3
    sampler = DATA_SAMPLERS.build(
        {
            'type': 'mmc2f.PKSampler',
            'dataset': Labelled(LABELS),
            'num_classes_per_batch': 3,
            'num_images_per_class': 2,
            'seed': 0,
        }
    )
    assert [LABELS[i] for i in sampler] == [x for b in loaded for x in b]


def test_dataset_that_knows_categories_only():
    class Categories:
        def __len__(self):
            return 4

        def get_cat_ids(self, idx):
            return [idx % 2]

    assert len(batches(PKSampler(Categories(), 2, 2, seed=0))) == 1


@pytest.mark.parametrize(
    ('sizes', 'match'),
    [
        ((0, 2), 'num_classes_per_batch of PKSampler must be at least 1'),
        ((2, 0), 'num_images_per_class of PKSampler must be at least 1'),
        ((2, 2, 0), 'batches_per_epoch of PKSampler must be at least 1'),
        ((2, 2.5), 'num_images_per_class of PKSampler must be a whole'),
        ((7, 2), 'needs 7 classes, but the dataset has images of 6 only'),
    ],
)
def test_impossible_sizes(sizes, match):
    with pytest.raises(ValueError, match=match):
        PKSampler(Labelled(LABELS), *sizes, seed=0)


@pytest.mark.parametrize('label', [None, [1, 2]])
def test_sample_without_a_single_label(label):
    with pytest.raises(ValueError, match='sample 1 must have one gt_label'):
        PKSampler(Labelled([0, label]), 1, 1, seed=0)


def test_dataset_without_labels():
    with pytest.raises(TypeError, match='list does not tell its labels'):
        PKSampler([1, 2, 3], 1, 1, seed=0)


@pytest.mark.parametrize(
    ('classes', 'batch_size', 'least', 'sizes'),
    [
        # 16 classes fit, and are there.
        (21, 32, 2, [2] * 16),
        # All classes, and more images of each.
        (4, 32, 2, [8] * 4),
        # Two more to fill the batch.
        (10, 32, 2, [4, 4] + [3] * 8),
        (10, 7, 3, [4, 3]),
    ],
)
def test_p_and_k_follow_from_the_batch(classes, batch_size, least, sizes):
    dataset = Labelled([label for label in range(classes) for _ in range(9)])
    sampler = PKSampler(
        dataset, num_images_per_class=least, batch_size=batch_size, seed=0
    )
    assert sampler.batch_size == batch_size
    assert len(sampler) == 9 * classes // batch_size * batch_size
    for batch in batches(sampler):
        labels = [dataset.get_data_info(i)['gt_label'] for i in batch]
        assert len(set(batch)) == batch_size
        counts = [labels.count(label) for label in dict.fromkeys(labels)]
        assert counts == sizes


@pytest.mark.parametrize('sizes', [{}, dict(num_classes_per_batch=2)])
def test_p_or_the_batch_is_given(sizes):
    if sizes:
        sizes['batch_size'] = 4
    with pytest.raises(ValueError, match='or batch_size, one of them, got'):
        PKSampler(Labelled([0, 1]), **sizes)


def test_a_batch_holds_one_class_at_least():
    with pytest.raises(ValueError, match='a batch of 3 images holds no 4'):
        PKSampler(Labelled([0, 1]), num_images_per_class=4, batch_size=3)


@given(
    counts=st.lists(st.integers(1, 7), min_size=2, max_size=6),
    p=st.integers(1, 4),
    k=st.integers(1, 4),
    world_size=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_every_batch_of_every_rank(counts, p, k, world_size, seed):
    p = min(p, len(counts))
    labels = [c for c, count in enumerate(counts) for _ in range(count)]
    drawn = []
    with pytest.MonkeyPatch.context() as patch:
        for rank in range(world_size):
            set_rank(patch, rank, world_size)
            sampler = PKSampler(
                Labelled(labels), p, k, batches_per_epoch=4, seed=seed
            )
            drawn.append(batches(sampler))
    # In the order of one process with as many batches.
    together = [batch for turn in zip(*drawn, strict=True) for batch in turn]
    whole = PKSampler(
        Labelled(labels), p, k, batches_per_epoch=4 * world_size, seed=seed
    )
    assert together == batches(whole)
    for batch in together:
        images = Counter(labels[index] for index in batch)
        assert len(images) == p and set(images.values()) == {k}
        repeated = Counter(batch)
        for index, count in repeated.items():
            assert count <= -(-k // counts[labels[index]])
    classes = Counter(labels[i] for batch in together for i in batch[::k])
    per_class = [classes[c] for c in range(len(counts))]
    assert max(per_class) - min(per_class) <= 1
