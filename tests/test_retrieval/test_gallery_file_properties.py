"""Any gallery comes back from its file, and no damage goes unnoticed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmc2f.retrieval import Gallery

IDS = st.text(max_size=5)


@st.composite
def galleries(draw):
    count, dims = draw(st.integers(2, 6)), draw(st.integers(2, 4))
    num_classes = draw(st.integers(1, 4))
    labels = st.integers(0, num_classes - 1)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    gallery = Gallery(whiten=draw(st.sampled_from([None, 'pca'])))
    gallery.fill(
        torch.randn(count, dims, generator=generator),
        torch.tensor(
            draw(st.lists(labels, min_size=count, max_size=count))
        ),
        draw(st.lists(IDS, min_size=count, max_size=count)),
        draw(st.dictionaries(IDS, IDS, max_size=2)),
        num_classes=num_classes,
        parts=draw(st.none() | st.just([dims])),
    )
    return gallery


def content(gallery):
    return (
        gallery.embeddings.tolist(),
        gallery.labels.tolist(),
        gallery.image_ids,
        gallery.fingerprint,
        gallery.num_classes,
        gallery.class_names,
        gallery.parts,
        gallery.whiten,
    )


@given(gallery=galleries())
def test_galleries_come_back(gallery, tmp_path_factory):
    path = tmp_path_factory.mktemp('gallery') / 'g.safetensors'
    gallery.save(path)
    assert content(Gallery.load(path)) == content(gallery)


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp('gallery') / 'g.safetensors'
    gallery = Gallery(whiten='pca')
    gallery.fill(
        torch.eye(3), torch.tensor([0, 1, 1]), ['a', 'b', 'c'], {'w': 'x'}
    )
    gallery.save(path)
    return path, path.read_bytes(), content(gallery)


@given(data=st.data())
def test_a_changed_byte_is_noticed(saved, data):
    """Or it is one that means nothing, such as a space in the header."""
    path, whole, expected = saved
    damaged = bytearray(whole)
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged)
    try:
        found = content(Gallery.load(path))
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert found == expected


@given(data=st.data())
def test_a_file_cut_short_is_noticed(saved, data):
    path, whole, _ = saved
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(ValueError, match='not a whole') as caught:
        Gallery.load(path)
    assert str(path) in str(caught.value)
