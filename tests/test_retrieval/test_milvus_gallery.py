"""A gallery in Milvus (embedded) against the same gallery in a file."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
import torch
from torch.nn.functional import normalize

from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval import (
    Gallery,
    MilvusGallery,
    ReRankPostProcessor,
    load_gallery,
    milvus_rows,
)
from mmc2f.retrieval.milvus_rows import Rows, digest_rows

pytest.importorskip('pymilvus', reason="needs 'mmc2f[scale]'")
pytest.importorskip('milvus_lite', reason="needs 'mmc2f[scale]'")

DIMS, NUM_ROWS, NUM_CLASSES = 6, 40, 5
MADE_BY = {'weights': 'abc', 'pipeline': 'def', 'classes': 'ghi'}
NAMES = [f'{i}.jpg' for i in range(NUM_ROWS - 1)] + [os.fsdecode(b'\xff.jpg')]
CLASSES = ['ash', 'beech', 'cedar', 'date', 'elm']


def random_rows(num_rows, seed):
    # Small integers: products are exact and often equal.
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(-1, 2, (num_rows, DIMS), generator=generator)
    return normalize(rows.float())


def fill(gallery, seed=0, names=NAMES):
    # No image of the last class.
    labels = torch.arange(NUM_ROWS) % (NUM_CLASSES - 1)
    gallery.fill(
        random_rows(NUM_ROWS, seed),
        labels,
        names,
        MADE_BY,
        class_names=CLASSES,
        parts=[4, 2],
    )
    return gallery


@pytest.fixture(scope='module')
def uri(tmp_path_factory):
    """One server for all; a collection is named by its content."""
    from milvus_lite import server_manager_instance

    path = str(tmp_path_factory.mktemp('milvus') / 'gallery.db')
    yield path
    server_manager_instance.release_server(path)


def same_answers(gallery, expected):
    queries = torch.cat([random_rows(9, 1), torch.randn(3, DIMS)])
    for topm in (1, 7, NUM_ROWS, 100):
        found = gallery.search(queries, topm)
        wanted = expected.search(queries, topm)
        assert found.indices.equal(wanted.indices)
        assert found.labels.equal(wanted.labels)
        torch.testing.assert_close(found.similarities, wanted.similarities)
    names = [gallery.image_ids[i] for i in wanted.indices[0].tolist()]
    plain = [expected.image_ids[i] for i in wanted.indices[0].tolist()]
    assert names == [
        name.encode('utf-8', 'backslashreplace').decode() for name in plain
    ]
    torch.testing.assert_close(
        gallery.class_similarities(queries),
        expected.class_similarities(queries),
    )
    probs = torch.rand(len(queries), NUM_CLASSES).softmax(1)
    for mode in ('paper', 'kernel', 'prototypes'):
        rule = ReRankPostProcessor(topm=8, t_sf=1.0, mode=mode)
        scores = rule(probs, queries, gallery).scores
        torch.testing.assert_close(
            scores, rule(probs, queries, expected).scores
        )


@pytest.mark.parametrize('whiten', [None, 'pca'])
def test_same_neighbours_and_content_as_the_file(uri, tmp_path, whiten):
    plain = fill(Gallery(whiten=whiten))
    config = dict(type='mmc2f.MilvusGallery', uri=uri, whiten=whiten)
    filled = fill(TASK_UTILS.build(config))
    same_answers(filled, plain)
    filled.save(tmp_path / 'head.safetensors')
    plain.save(tmp_path / 'plain.safetensors')
    # A head says by itself what it is; a plain file is brought into Milvus.
    options = dict(type='mmc2f.Gallery', index='Flat', whiten=whiten)
    opened = load_gallery(tmp_path / 'head.safetensors', MADE_BY, options)
    brought = load_gallery(tmp_path / 'plain.safetensors', MADE_BY, config)
    for gallery in (opened, brought):
        assert isinstance(gallery, MilvusGallery)
        same_answers(gallery, plain)
        assert gallery.class_names == plain.class_names
        assert gallery.parts == plain.parts
        assert gallery.missing_classes == plain.missing_classes == [4]
        assert len(gallery) == NUM_ROWS
        gallery.check(MADE_BY)


def test_images_of_the_fingerprint_are_those_of_the_file(uri, tmp_path):
    from mmc2f.retrieval.image_ids import hash_images

    gallery = fill(MilvusGallery(uri))
    images = hash_images(NAMES, gallery.labels.tolist())
    gallery.save(tmp_path / 'head.safetensors')
    expected = {**MADE_BY, 'images': images}
    load_gallery(tmp_path / 'head.safetensors', expected)
    with pytest.raises(ValueError, match=r'images .* differs'):
        load_gallery(
            tmp_path / 'head.safetensors', {**MADE_BY, 'images': 'other'}
        )


@pytest.mark.parametrize('name', ['head', 'plain'])
def test_other_weights_are_refused(uri, tmp_path, name):
    made = fill(MilvusGallery(uri) if name == 'head' else Gallery())
    made.save(tmp_path / name)
    config = dict(type='mmc2f.MilvusGallery', uri=uri)
    with pytest.raises(ValueError, match=r'does not fit .* weights'):
        load_gallery(tmp_path / name, {**MADE_BY, 'weights': 'other'}, config)
    with pytest.raises(FileNotFoundError, match='no gallery file'):
        load_gallery(tmp_path / 'none', MADE_BY, config)


def change(gallery, row, **fields):
    """Change a row as whoever has the address can."""
    rows = gallery._rows
    (record,) = rows._query(row, row + 1)
    rows._client.upsert(rows.name, [dict(record, **fields)])


@pytest.mark.parametrize(
    ('seed', 'fields', 'message'),
    [
        (11, dict(label=3), r'Image 2.jpg has label 3, but had 2'),
        (12, dict(image_id='other.jpg'), 'digest is not that'),
        (13, dict(embedding=[0.0] * 5 + [-1.0]), 'digest is not that'),
        (14, dict(embedding=[0.5] * 6), 'not of length 1'),
    ],
)
def test_changed_rows_are_refused(uri, tmp_path, seed, fields, message):
    gallery = fill(MilvusGallery(uri), seed)
    gallery.save(tmp_path / 'head')
    change(gallery, 2, **fields)
    with pytest.raises(ValueError, match=message) as error:
        load_gallery(tmp_path / 'head')
    assert gallery._rows.name in str(error.value)
    # Counted only.
    MilvusGallery.load(tmp_path / 'head', verify=False)


def test_missing_rows_are_refused_and_written_anew(uri, tmp_path):
    gallery = fill(MilvusGallery(uri), seed=21)
    gallery.save(tmp_path / 'head')
    rows = gallery._rows
    rows._client.delete(rows.name, filter='row == 5')
    with pytest.raises(ValueError, match=f'has 39 of {NUM_ROWS} rows'):
        load_gallery(tmp_path / 'head')
    # As after a run that was killed while it wrote.
    fill(MilvusGallery(uri), seed=21)
    same_answers(load_gallery(tmp_path / 'head'), fill(Gallery(), seed=21))
    rows._client.drop_collection(rows.name)
    with pytest.raises(ValueError, match=f'has 0 of {NUM_ROWS} rows'):
        load_gallery(tmp_path / 'head')


def test_a_changed_head_is_refused(uri, tmp_path):
    from safetensors.torch import save_file

    from mmc2f.files.safetensors_file import read_tensors

    path = tmp_path / 'head'
    fill(MilvusGallery(uri)).save(path)
    tensors, metadata = read_tensors(path)
    save_file(tensors, path, metadata | {'num_classes': '6'})
    with pytest.raises(ValueError, match=r'is damaged\. Its digest'):
        load_gallery(path)
    save_file(tensors, path, metadata | {'version': '9'})
    with pytest.raises(ValueError, match='of version 9'):
        load_gallery(path)


def test_the_same_rows_are_written_once(uri, monkeypatch):
    fill(MilvusGallery(uri))

    def insert(*args):
        raise AssertionError('written again')

    monkeypatch.setattr(milvus_rows.MilvusRows, '_insert', insert)
    fill(MilvusGallery(uri))
    with pytest.raises(AssertionError):
        fill(MilvusGallery(uri), seed=31)


def test_digest_does_not_depend_on_how_rows_are_cut():
    rows = Rows(random_rows(9, 0), torch.arange(9), NAMES[:9])

    def cut(*places):
        ends = zip((0, *places), (*places, 9), strict=True)
        return digest_rows(Rows(*(f[a:b] for f in rows)) for a, b in ends)

    assert cut(4) == cut(1, 8) == cut()
    labels = torch.arange(9).flip(0)
    assert digest_rows(iter([rows._replace(labels=labels)])) != cut()


def test_edits_are_refused(uri):
    gallery = fill(MilvusGallery(uri))
    with pytest.raises(ValueError, match='is not edited'):
        gallery.add(torch.ones(1, DIMS), ['a.jpg'], 'ash')
    with pytest.raises(ValueError, match='is not edited'):
        gallery.remove(['0.jpg'])
    assert len(gallery) == NUM_ROWS


def test_more_neighbours_than_a_server_finds(uri):
    gallery = fill(MilvusGallery(uri))
    with pytest.raises(ValueError, match='16384 neighbours, not 20000'):
        gallery._rows.search(random_rows(1, 0), 20000)


@contextmanager
def opened_elsewhere(path):
    """Another process that has the file open."""
    code = (
        'import sys; from pymilvus import MilvusClient; '
        f'c = MilvusClient({path!r}); print(1, flush=True); sys.stdin.read()'
    )
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process = subprocess.Popen([sys.executable, '-c', code], **pipes)
    try:
        assert process.stdout.readline() == b'1\n'
        yield
    finally:
        process.communicate()


def test_a_file_that_another_process_has_open_is_named(tmp_path):
    path = str(tmp_path / 'gallery.db')
    with (
        opened_elsewhere(path),
        pytest.raises(ConnectionError, match=r'Milvus at .*gallery\.db'),
    ):
        MilvusGallery(path)


def test_pymilvus_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pymilvus', None)
    with pytest.raises(ImportError, match=r'mmc2f\[scale\]'):
        MilvusGallery('gallery.db')


def test_more_neighbours_than_milvus_finds(uri):
    gallery = fill(MilvusGallery(uri))
    with pytest.raises(ValueError, match='Milvus finds 16384 neighbours'):
        gallery._rows.search(random_rows(1, 0), milvus_rows.WIDEST + 1)
