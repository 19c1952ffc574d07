"""Batches of one view each, in turn."""

import itertools

import mmengine.dataset.sampler
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.registry import DATA_SAMPLERS, init_default_scope
from mmengine.runner import Runner
from tiny_ccfr import CLASSES, IMAGES_PER_CLASS, write_images
from tiny_views import views_loader

from mmc2f.datasets import RoundRobinBatchSampler

NUM_IMAGES = IMAGES_PER_CLASS * len(CLASSES)


class Views:
    """As much of a MultiResolutionDataset as the sampler needs."""

    def __init__(self, num_images, num_views=3):
        self.groups = [
            range(view * num_images, (view + 1) * num_images)
            for view in range(num_views)
        ]

    def __len__(self):
        return sum(map(len, self.groups))

    def view(self, index):
        return index // len(self.groups[0])


def make(dataset, batch_size=4, seed=3, epoch=0, shuffle=True, **kwargs):
    sampler = DefaultSampler(dataset, shuffle=shuffle, seed=seed)
    sampler.set_epoch(epoch)
    return RoundRobinBatchSampler(sampler, batch_size, **kwargs)


def make_ranks(world_size, *args, **kwargs):
    """The sampler of every rank."""
    samplers = []
    with pytest.MonkeyPatch.context() as patch:
        for rank in range(world_size):
            patch.setattr(
                mmengine.dataset.sampler,
                'get_dist_info',
                lambda rank=rank: (rank, world_size),
            )
            samplers.append(make(*args, **kwargs))
    return samplers


def test_views_take_turns():
    data = Views(18)
    batches = list(make(data))
    assert [len(batch) for batch in batches] == [4] * 12
    for batch, view in zip(batches, itertools.cycle(range(3)), strict=False):
        assert {data.view(index) for index in batch} == {view}
    assert len(set(itertools.chain(*batches))) == 48


def test_order_is_as_documented():
    # A naive account of what the class promises.
    data, expected = Views(10), []
    orders = [
        np.random.default_rng((3, 7, view)).permutation(10) + 10 * view
        for view in range(3)
    ]
    for turn in range(2):
        for view in range(3):
            drawn = [orders[view][4 * turn + place] for place in range(4)]
            expected.append(drawn)
    assert list(make(data, epoch=7)) == expected


def test_views_have_orders_of_their_own():
    high, medium, low = (
        [index % 100 for index in batch]
        for batch in make(Views(100), batch_size=100)
    )
    assert sorted(high) == sorted(medium) == sorted(low) == list(range(100))
    assert high != medium != low != high


def test_without_shuffling_the_images_come_in_order():
    batches = list(make(Views(4), 2, shuffle=False, epoch=5))
    assert batches == [[0, 1], [4, 5], [8, 9], [2, 3], [6, 7], [10, 11]]


def test_order_depends_on_seed_and_epoch_only():
    data = Views(20)
    first, second = (list(make(data, epoch=epoch)) for epoch in (0, 1))
    assert first != second
    assert list(make(data, seed=4)) != first
    sampler = make(data)
    assert list(sampler) == list(sampler) == first
    sampler.sampler.set_epoch(1)
    assert list(sampler) == second
    sampler.sampler.set_epoch(0)
    assert list(sampler) == first


def test_every_image_comes_up_over_the_epochs():
    data = Views(5)
    seen = set()
    for epoch in range(20):
        seen.update(itertools.chain(*make(data, epoch=epoch)))
    assert seen == set(range(15))


def test_what_fills_no_batch_may_be_kept():
    data = Views(10)
    assert len(make(data)) == 6
    batches = list(make(data, drop_last=False))
    assert len(make(data, drop_last=False)) == len(batches) == 9
    assert [len(batch) for batch in batches] == [4] * 6 + [2] * 3
    assert [data.view(batch[0]) for batch in batches] == [0, 1, 2] * 3
    assert sorted(itertools.chain(*batches)) == list(range(30))


@settings(deadline=None, max_examples=60)
@given(
    num_images=st.integers(1, 40),
    num_views=st.integers(1, 4),
    batch_size=st.integers(1, 6),
    world_size=st.integers(1, 4),
    epoch=st.integers(0, 3),
    drop_last=st.booleans(),
)
def test_ranks_agree_and_share_no_image(
    num_images, num_views, batch_size, world_size, epoch, drop_last
):
    if drop_last:
        num_images += batch_size * world_size
    data = Views(num_images, num_views)
    samplers = make_ranks(
        world_size, data, batch_size, epoch=epoch, drop_last=drop_last
    )
    ranks = [list(sampler) for sampler in samplers]
    assert {len(sampler) for sampler in samplers} == {len(ranks[0])}
    assert len(ranks[0]) % num_views == 0
    for step, batches in enumerate(zip(*ranks, strict=True)):
        assert len({len(batch) for batch in batches}) == 1
        views = {data.view(index) for batch in batches for index in batch}
        assert views == {step % num_views}
    for view, group in enumerate(data.groups):
        drawn = [
            index
            for batches in ranks
            for batch in batches[view::num_views]
            for index in batch
        ]
        if drop_last:
            assert len(set(drawn)) == len(drawn)
            left_out = len(group) - len(drawn)
            assert 0 <= left_out < batch_size * world_size
        else:
            assert set(drawn) == set(group)
            assert len(drawn) - len(group) < world_size


def test_ranks_differ_and_see_one_order():
    one, two = make_ranks(2, Views(16))
    together = list(make(Views(16), batch_size=8))
    for mine, other, both in zip(one, two, together, strict=True):
        assert not set(mine) & set(other)
        assert set(mine) | set(other) == set(both)


def test_smallest_view_ends_the_epoch():
    class Uneven(Views):
        def __init__(self):
            self.groups = [range(9), range(9, 13)]

    batches = list(make(Uneven(), 2))
    assert len(batches) == 4
    assert [batch[0] >= 9 for batch in batches] == [False, True] * 2


def test_view_without_a_full_batch():
    message = 'a view has 7 images, .* batch of 8 on 1 rank.*drop_last=False'
    with pytest.raises(ValueError, match=message):
        make(Views(7), 8)
    assert len(make(Views(8), 8)) == 3
    assert len(make(Views(7), 8, drop_last=False)) == 3
    with pytest.raises(ValueError, match=r'batch of 8 on 2 rank'):
        make_ranks(2, Views(15), 8)


def test_data_without_views():
    message = r'views of a data set, but list has no groups.*outermost'
    with pytest.raises(TypeError, match=message):
        make(list(range(20)))


def test_views_inside_of_another_wrapper(images):
    init_default_scope('mmpretrain')
    loader = views_loader(images)
    loader['dataset'] = dict(
        type='RepeatDataset', times=2, dataset=loader['dataset']
    )
    with pytest.raises(TypeError, match='but RepeatDataset has no groups'):
        Runner.build_dataloader(loader)


def test_epoch_cut_short(images):
    init_default_scope('mmpretrain')
    loader = dict(views_loader(images), num_batch_per_epoch=1)
    with pytest.raises(ValueError, match='num_batch_per_epoch; take it out'):
        Runner.build_dataloader(loader)


def test_sampler_without_epochs():
    message = "is a InfiniteSampler, which has no epoch; .*'DefaultSampler'"
    with pytest.raises(TypeError, match=message):
        RoundRobinBatchSampler(InfiniteSampler(Views(20), seed=0), 4)


@pytest.mark.parametrize('batch_size', [0, -1, 2.0, True])
def test_impossible_batch_sizes(batch_size):
    with pytest.raises(ValueError, match=r'^batch_size of RoundRobin\w+ must'):
        make(Views(20), batch_size)


def test_registered_name():
    built = DATA_SAMPLERS.build(
        dict(
            type='mmc2f.RoundRobinBatchSampler',
            sampler=DefaultSampler(Views(8), seed=3),
            batch_size=4,
        )
    )
    assert list(built) == list(make(Views(8)))


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'), splits=['train'])


@pytest.mark.parametrize('workers', [0, 2])
def test_in_a_dataloader_of_the_runner(images, workers):
    init_default_scope('mmpretrain')
    loader = dict(
        views_loader(images, batch_size=5),
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    loader = Runner.build_dataloader(loader, seed=2)
    assert len(loader) == NUM_IMAGES // 5 * 3
    for epoch in range(2):
        loader.batch_sampler.sampler.set_epoch(epoch)
        expected = list(make(loader.dataset, 5, seed=2, epoch=epoch))
        seen = [
            [sample.sample_idx for sample in batch['data_samples']]
            for batch in loader
        ]
        assert seen == expected
