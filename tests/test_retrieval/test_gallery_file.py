"""What a gallery's file may hold, and how it is told that it was changed."""

import json
import logging
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mmc2f.retrieval import Gallery
from mmc2f.retrieval.image_ids import hash_images

GOLDEN = Path(__file__).parents[1] / 'golden'
NUM_IMAGES, NUM_CLASSES, DIMS = 24, 4, 6
FINGERPRINT = {'weights': 'a' * 64}


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / 'gallery.safetensors')


def write(path, **kwargs):
    generator = torch.Generator().manual_seed(0)
    gallery = Gallery(**kwargs)
    gallery.fill(
        torch.randn(NUM_IMAGES, DIMS, generator=generator),
        torch.arange(NUM_IMAGES) % NUM_CLASSES,
        [f'{i}.jpg' for i in range(NUM_IMAGES)],
        FINGERPRINT,
        class_names=['ant', 'bee', 'cat', 'dog'],
        parts=[4, 2],
    )
    gallery.save(path)
    return path


def change(path, tensors=None, keeps_digest=False, **metadata):
    """Write another content; without the digest, as an old mmc2f did."""
    with safe_open(path, framework='pt') as file:
        old = file.metadata()
    if not keeps_digest:
        del old['digest']
    save_file(
        {**load_file(path), **(tensors or {})}, path, {**old, **metadata}
    )


def rows():
    generator = torch.Generator().manual_seed(1)
    return F.normalize(torch.randn(NUM_IMAGES, DIMS, generator=generator))


def with_row(value):
    changed = rows()
    changed[3] = value
    return changed


LABELS = torch.arange(NUM_IMAGES) % NUM_CLASSES


@pytest.mark.parametrize(
    'tensors, message',
    [
        ({'embeddings': with_row(float('nan'))}, r'1 of 24 .* NaN .*3\.jpg'),
        ({'embeddings': with_row(0.9)}, r'not of length 1 .*2\.205.* 3\.jpg'),
        ({'embeddings': rows()[:10]}, r'10 embeddings .*labels \(24,\)'),
        ({'embeddings': rows().half()}, 'are torch.float16, not torch.float'),
        ({'embeddings': rows().ravel()}, r'must be \(N, D\)'),
        ({'embeddings': rows()[:0], 'labels': LABELS[:0]}, 'no image'),
        ({'labels': LABELS + 1}, r'3\.jpg has label 4, .* 4 classes'),
        ({'labels': LABELS - 1}, r'0\.jpg has label -1'),
        ({'labels': LABELS.float()}, 'labels are torch.float32'),
    ],
)
@pytest.mark.parametrize('digest', [False, True], ids=['old', 'new'])
def test_what_fill_would_refuse_is_refused(path, tensors, message, digest):
    change(path, tensors, digest)
    with pytest.raises(ValueError, match=message) as caught:
        Gallery.load(path)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith('Build the gallery anew.')


@pytest.mark.parametrize(
    'metadata, message',
    [
        ({'image_ids': '7'}, 'image_ids is not what'),
        ({'image_ids': json.dumps([1] * NUM_IMAGES)}, 'image_ids is not what'),
        ({'num_classes': '"4"'}, 'num_classes'),
        ({'num_classes': 'NaN'}, 'num_classes'),
        ({'num_classes': 'true'}, 'num_classes'),
        ({'num_classes': '3'}, '4 class names for 3 classes'),
        ({'class_names': '[1, 2, 3, 4]'}, 'class_names'),
        ({'fingerprint': '[]'}, 'fingerprint'),
        ({'fingerprint': '{"weights": 1}'}, 'fingerprint'),
        ({'image_ids': '[' * 100_000}, 'not a whole safetensors gallery'),
    ],
)
def test_fields_of_another_kind_are_refused(path, metadata, message):
    change(path, **metadata)
    with pytest.raises(ValueError, match=message) as caught:
        Gallery.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    'tensors, metadata, message',
    [
        ({'whiten_mean': torch.zeros(5)}, {}, r'mean \(5,\)'),
        ({'whiten_matrix': torch.eye(5)}, {}, r'matrix \(5, 5\)'),
        ({'whiten_mean': torch.full((6,), torch.nan)}, {}, 'not finite'),
        ({'whiten_matrix': torch.eye(6).half()}, {}, 'not of float32'),
        ({}, {'parts': '[4, 3]'}, 'make 7'),
        ({}, {'parts': '[6, 0]'}, 'parts is not'),
        ({}, {'parts': '3'}, 'parts is not'),
        ({}, {'parts': '[]'}, 'parts is not'),
        ({}, {'whiten': '"zca"'}, "got 'zca'"),
    ],
)
def test_whitening_that_does_not_fit_is_refused(
    tmp_path, tensors, metadata, message
):
    path = write(tmp_path / 'gallery.safetensors', whiten='lda')
    change(path, tensors, **metadata)
    with pytest.raises(ValueError, match=message) as caught:
        Gallery.load(path)
    assert str(path) in str(caught.value)


def test_whitening_without_its_tensors_is_refused(path):
    change(path, version='2', parts='null', whiten='"lda"')
    with pytest.raises(ValueError, match='missing: whiten_matrix'):
        Gallery.load(path)


@pytest.mark.parametrize(
    'tensors, metadata',
    [
        ({'labels': LABELS.flip(0)}, {}),
        ({'embeddings': rows()}, {}),
        ({}, {'image_ids': json.dumps(['x'] * NUM_IMAGES)}),
        ({}, {'class_names': '["bee", "ant", "cat", "dog"]'}),
        ({}, {'fingerprint': json.dumps({'weights': 'b' * 64})}),
        ({}, {'digest': '0' * 64}),
    ],
    ids=['labels', 'embeddings', 'ids', 'names', 'fingerprint', 'digest'],
)
def test_changes_that_look_right_show_in_the_digest(path, tensors, metadata):
    change(path, tensors, keeps_digest=True, **metadata)
    with pytest.raises(ValueError, match=r'Its digest .*changed after') as e:
        Gallery.load(path)
    assert str(path) in str(e.value)


def test_a_text_in_the_place_of_a_tensor_is_refused(path):
    with safe_open(path, framework='pt') as file:
        metadata = {**file.metadata(), 'labels': '[]'}
    tensors = load_file(path)
    del tensors['labels']
    save_file(tensors, path, metadata)
    with pytest.raises(ValueError, match=r'not a gallery .*missing: labels'):
        Gallery.load(path)


def test_rows_of_zeros_are_read_again(tmp_path):
    gallery = Gallery()
    gallery.fill(torch.zeros(1, 3), torch.tensor([0]), ['a'], {})
    gallery.save(tmp_path / 'g.safetensors')
    assert not Gallery.load(tmp_path / 'g.safetensors').embeddings.any()


@pytest.fixture
def warnings(monkeypatch):
    logged = []
    monkeypatch.setattr(
        'mmc2f.retrieval.gallery_file.print_log',
        lambda message, logger, level: logged.append((message, level)),
    )
    return logged


def test_file_with_a_digest_is_read_in_silence(path, warnings):
    Gallery.load(path)
    assert not warnings


@pytest.mark.parametrize('name', ['ccfr', 'mlph'])
def test_old_files_are_read_and_said_to_have_no_digest(name, warnings):
    path = GOLDEN / f'{name}_gallery.safetensors'
    gallery = Gallery.load(path)
    assert len(gallery)
    [(message, level)] = warnings
    assert f'{path} ' in message and 'no digest' in message
    assert '\n' not in message and level == logging.WARNING


def test_images_of_an_old_file_are_compared_all_the_same(path):
    change(path)
    ids = [f'{i}.jpg' for i in range(NUM_IMAGES)]
    same = {**FINGERPRINT, 'images': hash_images(ids, LABELS.tolist())}
    Gallery.load(path, same)
    moved = LABELS.clone()
    moved[:5] = 3
    other = {**FINGERPRINT, 'images': hash_images(ids, moved.tolist())}
    with pytest.raises(ValueError, match=r'does not fit .*images \(gallery'):
        Gallery.load(path, other)


def test_images_that_a_caller_does_not_tell_are_not_compared():
    gallery = Gallery()
    made_by = {**FINGERPRINT, 'images': 'c' * 64}
    gallery.fill(torch.eye(2), torch.tensor([0, 1]), ['a', 'b'], made_by)
    gallery.check(FINGERPRINT)
    gallery.check(made_by)
    with pytest.raises(ValueError, match='images'):
        gallery.check({**FINGERPRINT, 'images': 'd' * 64})


def test_ids_too_long_for_the_header_come_back(tmp_path, monkeypatch):
    plain = Gallery.load(write(tmp_path / 'plain.safetensors'))
    monkeypatch.setattr('mmc2f.retrieval.gallery_file._LONGEST', 10)
    path = write(tmp_path / 'long.safetensors', whiten='pca')
    with safe_open(path, framework='pt') as file:
        # Who reads only the earlier versions refuses it.
        assert file.metadata()['version'] == '4'
        assert 'image_ids' not in file.metadata()
    loaded = Gallery.load(path)
    assert loaded.image_ids == plain.image_ids
    assert loaded.whiten == 'pca' and loaded.parts == (4, 2)
    damaged = torch.full((9,), 255, dtype=torch.uint8)
    change(path, {'image_ids': damaged})
    with pytest.raises(ValueError, match='not a whole safetensors gallery'):
        Gallery.load(path)
