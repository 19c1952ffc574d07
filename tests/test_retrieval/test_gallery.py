"""Filling, searching, saving and checking a gallery."""

import json
import logging

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval import Gallery

FINGERPRINT = {
    'weights': 'a' * 64,
    'pipeline': 'b' * 64,
    'classes': 'c' * 64,
}


def make_gallery(num_images=30, dims=8, num_classes=5, **kwargs):
    generator = torch.Generator().manual_seed(0)
    gallery = Gallery(**kwargs)
    gallery.fill(
        torch.randn(num_images, dims, generator=generator) * 3,
        torch.arange(num_images) % num_classes,
        [f'image_{i}.jpg' for i in range(num_images)],
        FINGERPRINT,
    )
    return gallery


@pytest.mark.parametrize(
    'index',
    [None, 'Flat', {'type': 'mmc2f.ExactIndex', 'chunk_size': 7}],
    ids=['exact', 'faiss', 'config'],
)
def test_search_equals_naive_cosine(index):
    gallery = make_gallery(index=index)
    queries = torch.randn(4, 8, generator=torch.Generator().manual_seed(1))
    found = gallery.search(queries, 6)
    for b in range(4):
        cosines = [
            float(F.cosine_similarity(queries[b], row, dim=0))
            for row in gallery.embeddings
        ]
        order = sorted(range(30), key=lambda i: -cosines[i])[:6]
        assert found.indices[b].tolist() == order
        assert found.labels[b].tolist() == [i % 5 for i in order]
        assert found.similarities[b].tolist() == pytest.approx(
            [cosines[i] for i in order], abs=1e-5
        )


def test_embeddings_are_kept_normalised():
    norms = make_gallery().embeddings.norm(dim=1)
    torch.testing.assert_close(norms, torch.ones(30))


def test_topm_is_clamped_to_the_gallery():
    found = make_gallery(num_images=3, num_classes=3).search(
        torch.ones(2, 8), 50
    )
    assert found.indices.shape == found.labels.shape == (2, 3)
    assert found.similarities.shape == (2, 3)


def test_no_query_gives_no_neighbour():
    found = make_gallery().search(torch.zeros(0, 8), 4)
    assert found.indices.shape == found.similarities.shape == (0, 4)


def test_file_keeps_everything(tmp_path):
    gallery = Gallery()
    gallery.fill(
        torch.eye(3),
        torch.tensor([0, 2, 2]),
        ['a', 'b é', 'c'],
        FINGERPRINT,
        class_names=['x', 'y', 'z'],
    )
    path = tmp_path / 'deep' / 'gallery.safetensors'
    gallery.save(path)
    loaded = Gallery.load(path, FINGERPRINT, index='Flat')
    assert loaded.embeddings.equal(gallery.embeddings)
    assert loaded.labels.equal(gallery.labels)
    assert loaded.image_ids == ['a', 'b é', 'c']
    assert loaded.fingerprint == FINGERPRINT
    assert loaded.class_names == ['x', 'y', 'z']
    assert loaded.missing_classes == [1]
    assert loaded.search(torch.eye(3), 1).indices.tolist() == [[0], [1], [2]]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'gallery.safetensors'
    make_gallery().save(path)
    before = path.read_bytes()

    def fail(tensors, filename, metadata):
        filename.write_bytes(b'half')
        raise OSError('disk full')

    monkeypatch.setattr('safetensors.torch.save_file', fail)
    with pytest.raises(OSError, match='disk full'):
        make_gallery(num_images=5).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize('key', ['weights', 'pipeline', 'classes'])
def test_load_says_what_differs(tmp_path, key):
    path = tmp_path / 'gallery.safetensors'
    make_gallery().save(path)
    expected = {**FINGERPRINT, key: 'd' * 64}
    with pytest.raises(ValueError, match=rf'{key} \(gallery .*--gallery'):
        Gallery.load(path, expected)


def test_check_names_all_that_differs():
    gallery = make_gallery()
    gallery.check(FINGERPRINT)
    other = {**FINGERPRINT, 'weights': 'e' * 64, 'classes': 'f' * 64}
    with pytest.raises(ValueError) as caught:
        gallery.check(other)
    message = str(caught.value)
    assert 'weights (gallery aaaaaaaaaaaa, model eeeeeeeeeeee)' in message
    assert 'classes' in message and 'pipeline' not in message


def test_check_of_a_gallery_without_fingerprint():
    gallery = Gallery()
    gallery.fill(torch.eye(2), torch.tensor([0, 1]), ['a', 'b'], {})
    with pytest.raises(ValueError, match='gallery unknown'):
        gallery.check(FINGERPRINT)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='no gallery file'):
        Gallery.load(tmp_path / 'gallery.safetensors')


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / 'other.safetensors'
    save_file({'weight': torch.ones(2)}, path)
    with pytest.raises(ValueError, match=r'not a gallery.*embeddings'):
        Gallery.load(path)
    path.write_bytes(b'not safetensors at all')
    with pytest.raises(ValueError, match='not a whole safetensors'):
        Gallery.load(path)


@pytest.mark.parametrize(
    'field, value, message',
    [
        ('version', '99', 'version 99'),
        ('format', 'other', 'format mark'),
        ('image_ids', '[', 'not a whole'),
    ],
)
def test_changed_metadata_is_refused(tmp_path, field, value, message):
    path = tmp_path / 'gallery.safetensors'
    make_gallery().save(path)
    metadata = {
        'format': 'mmc2f.gallery',
        'version': '1',
        'image_ids': '[]',
        'fingerprint': '{}',
        'num_classes': '1',
        'class_names': 'null',
    }
    save_file(load_file(path), path, metadata={**metadata, field: value})
    with pytest.raises(ValueError, match=message):
        Gallery.load(path)


def test_file_is_readable_without_mmc2f(tmp_path):
    from safetensors import safe_open

    path = tmp_path / 'gallery.safetensors'
    make_gallery().save(path)
    with safe_open(path, framework='np') as file:
        assert set(file.keys()) == {'embeddings', 'labels'}
        assert len(json.loads(file.metadata()['image_ids'])) == 30


@pytest.mark.parametrize('bad', [float('nan'), float('inf')])
def test_a_bad_embedding_names_its_image(bad):
    embeddings = torch.ones(9, 4)
    embeddings[[1, 2, 3, 4, 5, 7], 2] = bad
    names = [f'image_{i}' for i in range(9)]
    with pytest.raises(
        ValueError, match=r'6 of 9 .*: image_1, .*image_5 and 1 more'
    ):
        Gallery().fill(embeddings, torch.zeros(9).long(), names, {})


def test_a_bad_query_is_named():
    queries = torch.ones(3, 8)
    queries[1, 0] = float('nan')
    with pytest.raises(ValueError, match='query 1'):
        make_gallery().search(queries, 2)


def test_empty_gallery():
    with pytest.raises(ValueError, match='would be empty'):
        Gallery().fill(torch.zeros(0, 4), torch.zeros(0).long(), [], {})
    with pytest.raises(RuntimeError, match='gallery is empty'):
        Gallery().search(torch.ones(1, 4), 1)
    with pytest.raises(RuntimeError, match='gallery is empty'):
        Gallery().save('gallery.safetensors')


def test_classes_without_an_image_are_named(monkeypatch):
    logged = []
    monkeypatch.setattr(
        'mmc2f.retrieval.gallery_checks.print_log',
        lambda message, logger, level: logged.append((message, level)),
    )
    gallery = Gallery()
    gallery.fill(
        torch.eye(2),
        torch.tensor([0, 2]),
        ['a', 'b'],
        {},
        class_names=['ant', 'bee', 'cat', 'dog'],
    )
    assert gallery.missing_classes == [1, 3]
    [(message, level)] = logged
    assert '2 of 4 classes' in message and 'bee, dog' in message
    assert level == logging.WARNING
    assert gallery.search(torch.eye(2), 2).labels.tolist() == [[0, 2], [2, 0]]


@pytest.mark.parametrize(
    'change, message',
    [
        ({'embeddings': torch.ones(3)}, r'must be \(N, D\)'),
        ({'labels': torch.tensor([0])}, 'as many labels'),
        ({'image_ids': ['a']}, '1 ids'),
        ({'labels': torch.tensor([0, 5]), 'num_classes': 2}, 'b has label 5'),
        ({'labels': torch.tensor([0, -1])}, 'b has label -1'),
        ({'labels': torch.tensor([0, 0.5])}, 'whole numbers'),
        ({'num_classes': 3, 'class_names': ['x']}, '1 class names for 3'),
    ],
)
def test_content_that_does_not_fit(change, message):
    content = {
        'embeddings': torch.eye(2),
        'labels': torch.tensor([0, 1]),
        'image_ids': ['a', 'b'],
        'fingerprint': {},
    }
    with pytest.raises(ValueError, match=message):
        Gallery().fill(**{**content, **change})


@pytest.mark.parametrize(
    'queries, topm, message',
    [
        (torch.ones(2, 7), 3, '8 dimensions'),
        (torch.ones(8), 3, '8 dimensions'),
        (torch.ones(2, 8), 0, 'topm'),
    ],
)
def test_searches_that_do_not_fit(queries, topm, message):
    with pytest.raises(ValueError, match=message):
        make_gallery().search(queries, topm)


def test_builds_from_config():
    gallery = TASK_UTILS.build({'type': 'mmc2f.Gallery', 'index': 'Flat'})
    assert isinstance(gallery, Gallery)
    assert len(gallery) == 0
