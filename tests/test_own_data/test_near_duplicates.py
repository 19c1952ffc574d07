"""Copies of a picture are found, look-alike and flat ones are not."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from mmc2f.own_data.examine import Unreadable, examine, look_at
from mmc2f.own_data.near_duplicates import (
    FLAT,
    Disjoint,
    near_groups,
    similar_hashes,
)


@pytest.fixture
def picture(tmp_path):
    """A gradient with a few blots: as smooth as a photo."""

    def make(seed, tint=(1.0, 1.0, 1.0)):
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[0:96, 0:128]
        pixels = np.full((96, 128), 120.0)
        for _ in range(6):
            row, column = rng.uniform(0, 96), rng.uniform(0, 128)
            width, height = rng.uniform(8, 30), rng.uniform(-90, 90)
            distance = (y - row) ** 2 + (x - column) ** 2
            pixels += height * np.exp(-distance / width**2)
        coloured = pixels[..., None] * np.array(tint)
        return Image.fromarray(coloured.clip(0, 255).astype(np.uint8))

    return make


@pytest.fixture
def look(tmp_path):
    def save_and_look(image, **options):
        path = tmp_path / 'image'
        image.save(path, **{'format': 'PNG', **options})
        return look_at(path)

    return save_and_look


def groups(*looks):
    return near_groups(looks).labels().tolist()


def test_copies_that_were_saved_anew(picture, look):
    image = picture(0)
    copies = [
        look(image),
        look(image, format='JPEG', quality=40),
        look(image.resize((64, 48))),
        look(ImageEnhance.Brightness(image).enhance(1.15)),
        look(ImageEnhance.Contrast(image).enhance(0.8)),
    ]
    assert groups(*copies, look(picture(1))) == [0, 0, 0, 0, 0, 5]


def test_another_tint_is_another_product(picture, look):
    # Their hashes, which are of the luminance, are nearly equal.
    red, green = (1.3, 0.85, 1.0), (0.55, 1.22, 0.9)
    one, other = look(picture(0, red)), look(picture(0, green))
    assert bin(int(one.hash) ^ int(other.hash)).count('1') <= 7
    assert groups(one, other) == [0, 1]


def test_an_equal_hash_alone_is_no_near_duplicate(picture, look):
    one, other = look(picture(0)), look(picture(1))
    object.__setattr__(other, 'hash', one.hash)
    assert groups(one, other) == [0, 1]


def test_flat_pictures_are_left_alone(look):
    white = look(Image.new('RGB', (64, 64), (255, 255, 255)))
    grey = look(Image.new('RGB', (64, 64), (250, 250, 250)))
    assert white.contrast < FLAT
    assert groups(white, grey, white) == [0, 1, 2]


def test_another_shape_is_another_picture(picture, look):
    image = picture(0)
    assert groups(look(image), look(image.resize((128, 128)))) == [0, 1]


def test_many_pictures_of_one_hash(picture, look):
    looks = [look(picture(seed)) for seed in [*range(80), 3]]
    for one in looks:
        object.__setattr__(one, 'hash', looks[0].hash)
    assert groups(*looks)[-1] == 3


def test_sets_that_were_joined_before_stay():
    sets = Disjoint(4)
    sets.join(3, 1)
    assert near_groups([], sets).labels().tolist() == [0, 1, 2, 1]


def naive_pairs(values, max_bits):
    return {
        (i, j)
        for i in range(len(values))
        for j in range(i + 1, len(values))
        if bin(values[i] ^ values[j]).count('1') <= max_bits
    }


@given(
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 63)))),
    st.integers(0, 7),
)
def test_hashes_are_those_that_all_pairs_would_give(seeds, flips, max_bits):
    values = dict.fromkeys(seeds)
    for which, bits in flips:
        value = seeds[which % len(seeds)]
        for bit in sorted(bits)[:9]:
            value ^= 1 << bit
        values[value] = None
    found = list(
        similar_hashes(np.array(list(values), dtype=np.uint64), max_bits)
    )
    assert len(set(found)) == len(found)
    ordered = {tuple(sorted(pair)) for pair in found}
    assert ordered == naive_pairs(list(values), max_bits)


def test_bytes_in_common_reach_seven_bits():
    with pytest.raises(ValueError, match='from 0 to 7'):
        list(similar_hashes(np.zeros(1, np.uint64), 8))


def test_examine_keeps_the_order_and_names_what_is_broken(tmp_path, picture):
    paths = [tmp_path / f'{i}.png' for i in range(40)]
    for i, path in enumerate(paths):
        picture(0).resize((8 + i, 8)).save(path)
    paths[7].write_bytes(b'no image')
    paths[9].write_bytes(b'')
    looks = list(examine(paths, threads=3))
    broken = [i for i, x in enumerate(looks) if isinstance(x, Unreadable)]
    assert broken == [7, 9]
    assert 'the file is empty' in looks[9].reason
    assert [x.size[0] for x in looks[10:]] == list(range(18, 48))


def test_imagehash_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'imagehash', None)
    with pytest.raises(ImportError, match='run: pip install imagehash'):
        next(examine(['a.png']))


def test_a_name_that_no_table_can_hold(tmp_path, picture):
    path = tmp_path / 'caf\udce9.png'
    try:
        picture(0).save(path)
    except OSError:
        pytest.skip('the file system takes names in UTF-8 alone')
    assert 'is not UTF-8' in look_at(path).reason
