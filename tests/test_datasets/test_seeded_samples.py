"""What a sample's random transforms depend on, and what not."""

import pickle
import random

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from torch.utils.data import BatchSampler, DataLoader

from mmc2f.datasets import seed_samples, seeded_samples
from mmc2f.seeding import seed_step

SAMPLES = 12


class Numbers:
    """Draws from each global generator."""

    def __init__(self):
        self.metainfo = dict(classes=('a', 'b'))

    def __getitem__(self, index):
        return index, draw()

    def __len__(self):
        return SAMPLES


class Twice(BatchSampler):
    """Each image twice in a row."""

    def __iter__(self):
        for indices in super().__iter__():
            yield [index for index in indices for _ in range(2)]


def draw():
    return (
        random.random(),
        np.random.random(),  # noqa: NPY002 (as the host's transforms)
        torch.rand(()).item(),
    )


def make_loader(seed=0, workers=0, batch_size=2, twice=False):
    data = Numbers()
    batches = (Twice if twice else BatchSampler)(
        DefaultSampler(data, shuffle=True, seed=5), batch_size, False
    )
    loader = DataLoader(
        data,
        batch_sampler=batches,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=list,
    )
    return seed_samples(loader, seed)


def epoch_of(loader, epoch=0, first_batch=0):
    loader.batch_sampler.set_epoch(epoch, first_batch)
    return list(loader)


def test_workers_and_earlier_draws_do_not_matter():
    alone, helped = make_loader(), make_loader(workers=2)
    draw()
    second = epoch_of(alone, 1)
    # The workers live on, with the states of the first epoch.
    assert epoch_of(helped, 0) == epoch_of(alone, 0)
    assert epoch_of(helped, 1) == second


def test_seed_and_epoch_matter():
    drawn = {
        tuple(values)
        for seed, epoch in ((0, 0), (0, 1), (1, 0), (1, 1))
        for batch in epoch_of(make_loader(seed), epoch)
        for _, values in batch
    }
    assert len(drawn) == 4 * SAMPLES
    assert len({number for values in drawn for number in values}) == (
        3 * 4 * SAMPLES
    )


def test_copies_of_an_image_differ():
    for batch in epoch_of(make_loader(twice=True)):
        (one, a), (two, b), *_ = batch
        assert one == two and a != b


def test_the_sampler_follows_the_epoch():
    loader = make_loader()
    orders = [
        [index for batch in epoch_of(loader, epoch) for index, _ in batch]
        for epoch in (0, 1, 0)
    ]
    assert orders[0] == orders[2] != orders[1]


def test_batches_are_passed_over():
    loader = make_loader()
    whole = epoch_of(loader, 3)
    assert epoch_of(loader, 3, first_batch=2) == whole[2:]
    # The length of an epoch is what schedules count in.
    assert len(loader) == len(whole) == SAMPLES // 2
    assert epoch_of(loader, 3) == whole


def test_ranks_draw_as_one_does(monkeypatch):
    one = epoch_of(make_loader(batch_size=4), 1)
    shares = []
    for rank in range(2):
        info = lambda rank=rank: (rank, 2)  # noqa: E731
        monkeypatch.setattr(seeded_samples, 'get_dist_info', info)
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', info)
        shares.append(epoch_of(make_loader(), 1))
    for whole, *parts in zip(one, *shares, strict=True):
        assert sorted(whole) == sorted(parts[0] + parts[1])


def test_is_in_all_else_the_data_set():
    data = make_loader().dataset
    assert data.metainfo == Numbers().metainfo
    assert len(data) == SAMPLES
    assert not hasattr(data, 'groups')
    # As it reaches workers that are not forked.
    assert pickle.loads(pickle.dumps(data)).metainfo == data.metainfo


def test_keeps_the_options_of_the_loader():
    loader = make_loader(workers=2)
    assert loader.num_workers == 2 and loader.persistent_workers
    assert loader.collate_fn is list
    assert loader.batch_sampler.batch_size == 2
    assert isinstance(loader.batch_sampler.sampler, DefaultSampler)


def test_a_loader_without_batches_is_refused():
    with pytest.raises(ValueError, match='come without batches'):
        seed_samples(DataLoader(Numbers(), batch_size=None), 0)


def test_steps_draw_by_seed_iteration_and_rank():
    drawn = {}
    for numbers in ((0, 0), (0, 1), (1, 0), (0, 0, 1)):
        seed_step(*numbers)
        drawn[numbers] = draw()
        assert draw() != drawn[numbers]
    assert len(set(drawn.values())) == 4
    seed_step(0, 1)
    assert draw() == drawn[0, 1]
