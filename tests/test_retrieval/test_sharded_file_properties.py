"""Whatever is damaged of a shared-out gallery's files, it is noticed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmc2f.retrieval import ShardedGallery, load_gallery

PART = 'g-00000-of-00001.safetensors'
NAMES = ('g.safetensors', PART)


def content(gallery):
    """What it answers, and from what; rows are not at hand."""
    found = gallery.search(torch.eye(3), 3)
    return (
        found.similarities.tolist(),
        found.indices.tolist(),
        gallery.labels.tolist(),
        gallery.image_ids,
        gallery.fingerprint,
        gallery.num_classes,
        gallery.whiten,
    )


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    """A folder, what its files held, and the gallery."""
    folder = tmp_path_factory.mktemp('gallery')
    gallery = ShardedGallery(whiten='pca')
    gallery.fill(
        torch.eye(3), torch.tensor([0, 1, 1]), ['a', 'b', 'c'], {'w': 'x'}
    )
    gallery.save(folder / NAMES[0])
    files = {name: (folder / name).read_bytes() for name in NAMES}
    return folder, files, content(gallery)


def damaged(saved, name, whole):
    """Load after one of the files was changed."""
    folder, files, _ = saved
    for other, good in files.items():
        (folder / other).write_bytes(whole if other == name else good)
    return load_gallery(folder / NAMES[0])


def test_it_comes_back(saved):
    _, files, expected = saved
    found = damaged(saved, PART, files[PART])
    assert isinstance(found, ShardedGallery)
    assert content(found) == expected


@given(data=st.data(), name=st.sampled_from(NAMES))
def test_a_changed_byte_is_noticed(saved, data, name):
    """Or it is one that means nothing, such as a space in the header."""
    folder, files, expected = saved
    whole = bytearray(files[name])
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    try:
        found = damaged(saved, name, bytes(whole))
    except ValueError as error:
        assert str(folder / name) in str(error)
    else:
        assert content(found) == expected


@given(data=st.data(), name=st.sampled_from(NAMES))
def test_a_file_cut_short_is_noticed(saved, data, name):
    folder, files, _ = saved
    whole = files[name][: data.draw(st.integers(0, len(files[name]) - 1))]
    with pytest.raises(ValueError, match='not a whole') as caught:
        damaged(saved, name, whole)
    assert str(folder / name) in str(caught.value)
