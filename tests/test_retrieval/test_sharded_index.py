"""Search in shards against search of all rows at once, ties included."""

import pytest
import torch
from torch.nn.functional import normalize

from mmc2f.retrieval import ExactIndex, FaissIndex, Gallery, ShardedIndex
from mmc2f.retrieval.nearest_first import merge_nearest, search_past_ties


def random_rows(num_rows, dims, seed, has_ties):
    generator = torch.Generator().manual_seed(seed)
    if has_ties:
        # Small integers: products are exact and often equal.
        return torch.randint(
            -1, 2, (num_rows, dims), generator=generator
        ).float()
    return torch.randn(num_rows, dims, generator=generator)


def search(index, rows, queries, topm):
    index.build(rows)
    return index.search(queries, topm)


@pytest.mark.parametrize('has_ties', [False, True])
@pytest.mark.parametrize('shard_size', [1, 7, 20, 45, 100])
@pytest.mark.parametrize('topm', [1, 10, 45])
@pytest.mark.parametrize('index', [None, 'Flat'])
def test_shards_equal_one_index(has_ties, shard_size, topm, index):
    rows = random_rows(45, 4, 0, has_ties)
    queries = random_rows(9, 4, 1, has_ties)
    sharded = ShardedIndex(shard_size, index)
    for whole in (ExactIndex(), FaissIndex('Flat')):
        expected = search(whole, rows, queries, topm)
        found = search(sharded, rows, queries, topm)
        assert found[1].equal(expected[1])
        torch.testing.assert_close(found[0], expected[0])


def test_gallery_takes_shards_by_config():
    rows = normalize(random_rows(30, 4, 2, True) + 0.1)
    labels = torch.arange(30) % 3
    names = [f'{i}.jpg' for i in range(30)]
    found = []
    for index in (
        None,
        dict(type='mmc2f.ShardedIndex', shard_size=8, index='Flat'),
    ):
        gallery = Gallery(index=index)
        gallery.fill(rows, labels, names, {})
        found.append(gallery.search(rows[:5], 9))
    assert found[0].indices.equal(found[1].indices)
    assert found[0].labels.equal(found[1].labels)


def test_what_a_shard_does_not_find_comes_last():
    first = torch.tensor([[0.5, -torch.inf]]), torch.tensor([[1, -1]])
    second = torch.tensor([[0.75, 0.5]]), torch.tensor([[0, 2]])
    similarities, indices = merge_nearest([first, second], [0, 10], 4)
    assert indices.tolist() == [[10, 1, 12, -1]]
    assert similarities[0, -1] == -torch.inf


def test_ties_beyond_what_an_engine_finds_are_cut():
    widths = []

    def search(width):
        widths.append(width)
        return torch.ones(1, width), torch.arange(width)[None].flip(1)

    _, indices = search_past_ties(search, 2, num_rows=100, widest=8)
    assert widths == [3, 6, 8]
    assert indices.tolist() == [[0, 1]]


def test_search_before_build():
    with pytest.raises(RuntimeError, match='before it is built'):
        ShardedIndex().search(torch.ones(1, 2), 1)


def test_shard_size_is_checked():
    with pytest.raises(ValueError, match='at least 1'):
        ShardedIndex(0)
