"""A gallery that is shared out among processes against one in one process."""

import threading
from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import BaseDataElement
from ranks import run_ranks
from tool_helpers import ROOT

from mmc2f.apis import load_model
from mmc2f.engine.hooks import cascade_hook
from mmc2f.retrieval import (
    Gallery,
    ShardedGallery,
    build_gallery,
    load_gallery,
    process_shards,
    sharded_gallery,
)

DIMS, COUNT = 4, 41
MADE_BY = {'weights': 'abc', 'pipeline': 'def', 'classes': 'ghi'}
NAMES = [f'{i}.jpg' for i in range(COUNT)]
CLASSES = ['ash', 'beech', 'cedar', 'date', 'elm']


def random_rows(count, seed):
    # Of length 1, and products are exact and often equal.
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 2, (count, DIMS), generator=generator) - 0.5


ROWS = random_rows(COUNT, 0)
# No image of the last class.
LABELS = torch.arange(COUNT) % 4


def fill(gallery):
    gallery.fill(ROWS, LABELS, NAMES, MADE_BY, class_names=CLASSES)
    return gallery


@pytest.fixture(scope='module')
def plain():
    return fill(Gallery())


@pytest.fixture
def on_ranks(monkeypatch):
    """Runs a function in threads that take themselves for processes."""
    own = threading.local()
    group = SimpleNamespace(size=1, told=[None], meet=threading.Barrier(1))

    def gather(value):
        group.told[own.rank] = value
        group.meet.wait(60)
        told = list(group.told)
        group.meet.wait(60)
        return told

    functions = dict(
        all_gather_object=gather,
        get_rank=lambda: getattr(own, 'rank', 0),
        get_world_size=lambda: group.size,
        is_main_process=lambda: own.rank == 0,
        barrier=lambda: group.meet.wait(60),
    )
    for module in (sharded_gallery, process_shards):
        for name, function in functions.items():
            monkeypatch.setattr(module, name, function, raising=False)
    builder = build_gallery.__globals__
    for name in ('all_gather_object', 'get_rank', 'is_main_process'):
        monkeypatch.setitem(builder, name, functions[name])

    def run(size, function):
        group.size, group.told = size, [None] * size
        group.meet = threading.Barrier(size)
        results, errors = [None] * size, []

        def work(rank):
            own.rank = rank
            try:
                results[rank] = function(rank)
            except Exception as error:
                errors.append(error)
                group.meet.abort()

        threads = [
            threading.Thread(target=work, args=(rank,)) for rank in range(size)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for error in errors:
            if not isinstance(error, threading.BrokenBarrierError):
                raise error
        assert not errors
        return results

    return run


def assert_same(gallery, expected, queries):
    assert len(gallery) == len(expected)
    assert gallery.image_ids == expected.image_ids
    assert gallery.labels.equal(expected.labels)
    assert gallery.missing_classes == expected.missing_classes
    for topm in (1, 7, COUNT, 100):
        found = gallery.search(queries, topm)
        wanted = expected.search(queries, topm)
        assert found.indices.equal(wanted.indices)
        assert found.labels.equal(wanted.labels)
        torch.testing.assert_close(found.similarities, wanted.similarities)
    torch.testing.assert_close(
        gallery.class_similarities(queries),
        expected.class_similarities(queries),
    )


@pytest.mark.parametrize('index', [None, 'Flat'])
@pytest.mark.parametrize('size', [1, 2, 3])
def test_shares_find_what_one_gallery_finds(size, index, plain, on_ranks):
    def compare(rank):
        gallery = fill(ShardedGallery(index=index))
        own = gallery._index.rows
        assert len(own) in (COUNT // size, COUNT // size + 1)
        # Each process asks for images of its own, of another number.
        assert_same(gallery, plain, random_rows(4 + rank, rank + 1))

    on_ranks(size, compare)


@pytest.mark.parametrize(('writers', 'readers'), [(2, 3), (3, 2), (3, 1)])
def test_another_number_of_processes_loads_it(
    writers, readers, plain, on_ranks, tmp_path
):
    path = tmp_path / 'gallery.safetensors'
    on_ranks(writers, lambda rank: fill(ShardedGallery()).save(path))
    assert len(list(tmp_path.iterdir())) == writers + 1
    # A part is a gallery of its own.
    own = Gallery.load(part(path, 1, writers))
    assert own.image_ids == NAMES[1::writers]

    def load(rank):
        gallery = load_gallery(path, MADE_BY)
        assert isinstance(gallery, ShardedGallery)
        assert_same(gallery, plain, random_rows(3, rank))
        assert gallery.fingerprint == plain.fingerprint

    on_ranks(readers, load)


def test_more_processes_than_images(on_ranks, tmp_path):
    path = tmp_path / 'gallery.safetensors'
    rows = torch.eye(2)

    def run(rank):
        gallery = ShardedGallery()
        gallery.fill(rows, torch.tensor([0, 1]), ['a', 'b'], MADE_BY)
        gallery.save(path)
        gallery = ShardedGallery.load(path)
        return gallery.search(rows, 2).indices.tolist()

    assert on_ranks(3, run) == [[[0, 1], [1, 0]]] * 3


def test_plain_file_is_shared_out(plain, on_ranks, tmp_path):
    path = tmp_path / 'gallery.safetensors'
    plain.save(path)
    config = dict(type='mmc2f.ShardedGallery', index='Flat')

    def load(rank):
        gallery = load_gallery(path, MADE_BY, config)
        assert_same(gallery, plain, random_rows(3, rank))

    on_ranks(2, load)


class Embedder:
    """Answers with what stands in the batch."""

    training = False

    def modules(self):
        return []

    def eval(self):
        return self

    def test_step(self, batch):
        return [
            BaseDataElement(
                embedding=ROWS[i],
                gt_label=LABELS[i],
                img_path=f'/data/{NAMES[i]}',
                view='low' if i % 5 == 4 else 'high',
            )
            for i in batch
        ]


class Loader(list):
    """Batches of a rank, of which the last repeats an image."""

    def __init__(self, rank, size):
        self.dataset = Images(range(COUNT))
        own = [i % COUNT for i in range(rank, -(-COUNT // size) * size, size)]
        super().__init__(own[i : i + 4] for i in range(0, len(own), 4))


class Images(list):
    data_root = '/data'

    def __init__(self, values):
        super().__init__(values)
        self.metainfo = dict(classes=CLASSES)


@pytest.mark.parametrize('size', [1, 3])
def test_embeddings_stay_where_they_were_made(size, on_ranks):
    """And images in another view are left out, as of a plain gallery."""

    def build(rank):
        kinds = Gallery, ShardedGallery
        plain, shared = (
            build_gallery(Embedder(), Loader(rank, size), kind(), MADE_BY)
            for kind in kinds
        )
        assert len(plain) == COUNT - COUNT // 5
        assert_same(shared, plain, random_rows(2, rank))
        return shared._index.rows

    shares = on_ranks(size, build)
    assert sum(map(len, shares)) == COUNT - COUNT // 5
    kept = [i for i in range(COUNT) if i % 5 != 4]
    for rank, share in enumerate(shares):
        own = [i for i in kept if i % size == rank]
        assert share.equal(ROWS[own])


@pytest.mark.parametrize('whiten', ['lda', 'pca'])
def test_whitening_needs_all_rows(whiten, on_ranks, tmp_path):
    def build(rank, size):
        gallery = ShardedGallery(whiten=whiten)
        loader = Loader(rank, size)
        return build_gallery(Embedder(), loader, gallery, MADE_BY)

    with pytest.raises(ValueError, match='not whitened while it is filled'):
        on_ranks(2, lambda rank: build(rank, 2))

    def compare(rank):
        gallery = build(rank, 1)
        path = tmp_path / 'gallery.safetensors'
        gallery.save(path)
        plain = build_gallery(
            Embedder(), Loader(0, 1), Gallery(whiten=whiten), MADE_BY
        )
        loaded = load_gallery(path, MADE_BY, dict(whiten=whiten))
        for own in (gallery, loaded):
            found, wanted = (g.search(ROWS[:3], 5) for g in (own, plain))
            assert found.indices.equal(wanted.indices)

    on_ranks(1, compare)


@pytest.fixture
def saved(on_ranks, tmp_path):
    """A gallery in two parts."""
    path = tmp_path / 'gallery.safetensors'
    on_ranks(2, lambda rank: fill(ShardedGallery()).save(path))
    return path


def part(path, number=1, count=2):
    return path.with_name(f'gallery-0000{number}-of-0000{count}.safetensors')


def test_missing_part_is_named(saved, on_ranks):
    part(saved).unlink()
    with pytest.raises(FileNotFoundError, match='00001-of-00002'):
        on_ranks(1, lambda rank: load_gallery(saved))


def test_part_of_another_gallery_is_refused(saved, on_ranks):
    own = part(saved, 0).read_bytes()
    part(saved).write_bytes(own)
    with pytest.raises(ValueError, match='is of another gallery'):
        on_ranks(1, lambda rank: load_gallery(saved))


@pytest.mark.parametrize('name', [part, lambda path: path])
def test_changed_file_is_refused(saved, name, on_ranks):
    file = name(saved)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match='is damaged'):
        on_ranks(1, lambda rank: load_gallery(saved))


def test_gallery_of_other_weights_is_refused(saved, on_ranks):
    other = {**MADE_BY, 'weights': 'xyz'}
    with pytest.raises(ValueError, match='does not fit this model: weights'):
        on_ranks(2, lambda rank: load_gallery(saved, other))


def test_edits_are_refused():
    for edit in (ShardedGallery().add, ShardedGallery().remove):
        with pytest.raises(ValueError, match='is not edited'):
            edit()


def test_cascade_is_refused_in_several_processes(monkeypatch):
    monkeypatch.setattr(load_model, 'end_early', lambda *args: None)
    monkeypatch.setattr(cascade_hook, 'get_world_size', lambda: 2)
    reranker = SimpleNamespace(gallery=ShardedGallery())
    model = SimpleNamespace(cascade_threshold=0.5, reranker=reranker)
    runner = SimpleNamespace(model=model, cfg={})
    hook = cascade_hook.CascadeHook(0.5)
    with pytest.raises(ValueError, match='searched by all of them at a time'):
        hook.before_test_epoch(runner)
    reranker.gallery = Gallery()
    hook.before_test_epoch(runner)


def test_embedding_that_is_not_finite_is_named(on_ranks):
    owner = torch.tensor([0, 1, 1])

    def run(rank):
        rows = torch.ones(rank + 1, 2)
        rows[-1, 0] = torch.nan if rank else 1
        names = ['a', 'b', 'c']
        ShardedGallery().fill_shares(rows, owner, torch.arange(3), names, {})

    with pytest.raises(ValueError, match=r'1 of 2 embeddings hold NaN.*: c'):
        on_ranks(2, run)


def test_two_processes_find_what_one_finds(plain, tmp_path):
    script = ROOT / 'tests/sharded_gallery_ranks.py'
    plain.save(tmp_path / 'plain.safetensors')
    run_ranks(2, [script, tmp_path], tmp_path, 'pytorch')
    # One process reads what two have written.
    gallery = load_gallery(tmp_path / 'shared.safetensors', MADE_BY)
    assert isinstance(gallery, ShardedGallery)
    assert_same(gallery, plain, random_rows(5, 9))
