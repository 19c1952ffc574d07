"""Embeddings of a data set in a file."""

import dataclasses

import pytest
import torch
from safetensors.torch import save_file

from mmc2f.retrieval import EmbeddedImages

MADE_BY = {'weights': 'a' * 64, 'images': 'b' * 64}


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    return EmbeddedImages(
        embeddings=torch.randn(6, 4, generator=generator),
        labels=torch.tensor([0, 1, 2, 0, 1, 2]),
        coarse_probs=torch.rand(6, 3, generator=generator),
        image_ids=[f'{i} é.jpg' for i in range(6)],
        class_names=['x', 'y', 'z'],
        parts=[3, 1],
        fingerprint=MADE_BY,
    )


def same(one, other):
    return all(
        a.equal(b) if isinstance(a, torch.Tensor) else a == b
        for a, b in zip(vars(one).values(), vars(other).values(), strict=True)
    )


def test_file_keeps_everything(images, tmp_path):
    path = tmp_path / 'deep' / 'images.safetensors'
    images.save(path)
    assert same(EmbeddedImages.load(path, MADE_BY), images)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    plain = dataclasses.replace(images, coarse_probs=None, parts=None)
    plain.save(path)
    assert same(EmbeddedImages.load(path, MADE_BY), plain)


def test_what_does_not_fit_is_made_anew(images, tmp_path):
    path = tmp_path / 'images.safetensors'
    assert EmbeddedImages.load(path, MADE_BY) is None
    images.save(path)
    other = {**MADE_BY, 'weights': 'c' * 64}
    assert EmbeddedImages.load(path, other) is None
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert EmbeddedImages.load(path, MADE_BY) is None
    path.write_bytes(content[:40])
    assert EmbeddedImages.load(path, MADE_BY) is None
    save_file({'weight': torch.ones(2)}, path)
    assert EmbeddedImages.load(path, MADE_BY) is None


def test_gallery_of_the_images(images):
    gallery = images.gallery(whiten='lda')
    assert gallery.whiten == 'lda' and gallery.parts == (3, 1)
    assert gallery.class_names == ['x', 'y', 'z']
    assert gallery.image_ids == images.image_ids
    assert gallery.fingerprint == {**MADE_BY, 'whiten': 'lda'}
