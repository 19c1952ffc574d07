"""A gallery notices that an image was replaced under its own name."""

import os
import shutil

import pytest
import torch

from mmc2f.retrieval import Gallery
from mmc2f.retrieval.image_ids import hash_files

MADE_BY = {'weights': 'abc', 'images': 'def'}


class Images(list):
    """Paths as a data set tells them."""

    def get_data_info(self, place):
        return dict(img_path=self[place])


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / 'images'
    folder.mkdir()
    for name in 'abc':
        (folder / name).write_bytes(name.encode() * 9000)
    return Images(str(folder / name) for name in 'abc')


def test_what_is_in_the_files_counts(images):
    before = hash_files(images)
    assert hash_files(images) == before
    content = bytearray(b'b' * 9000)
    content[-1] = 0
    for other in (content, b'b' * 9001, b''):
        with open(images[1], 'wb') as file:
            file.write(other)
        assert hash_files(images) != before


def test_place_and_time_of_a_file_do_not_count(images, tmp_path):
    before = hash_files(images)
    os.utime(images[0], (1, 1))
    copies = shutil.copytree(tmp_path / 'images', tmp_path / 'moved')
    moved = Images(str(copies / name) for name in 'abc')
    assert hash_files(moved) == before


def test_order_counts_and_views_of_an_image_do_not(images):
    assert hash_files(Images(images[::-1])) != hash_files(images)
    assert hash_files(Images([*images, *images])) == hash_files(images)


@pytest.mark.parametrize('path', [None, 's3://bucket/a.jpg', 'a\0b', ''])
def test_images_that_are_not_here_have_no_digest(images, path):
    assert hash_files(Images([*images, path])) is None


def gallery(**made_by):
    filled = Gallery()
    names = ['a.jpg', 'b.jpg']
    filled.fill(
        *(torch.eye(2), torch.arange(2), names, {**MADE_BY, **made_by}),
        class_names=['ant', 'bee'],
    )
    return filled


def test_replaced_image_is_told():
    with pytest.raises(ValueError, match=r'model: image_files \(.* differs'):
        gallery(image_files='1').check({**MADE_BY, 'image_files': '2'})
    gallery(image_files='1').check({**MADE_BY, 'image_files': '1'})


@pytest.fixture
def warnings(monkeypatch):
    logged = []
    monkeypatch.setattr(
        'mmc2f.retrieval.gallery_content.print_log',
        lambda message, logger, level: logged.append(message),
    )
    return logged


def test_images_that_are_not_here_are_not_compared(warnings):
    gallery(image_files='1').check(MADE_BY)
    gallery().check(MADE_BY)
    assert not warnings


def test_older_gallery_is_used_with_a_warning(warnings):
    gallery().check({**MADE_BY, 'image_files': '2'})
    [message] = warnings
    assert 'does not say what the files of its images held' in message


def test_edited_gallery_does_not_claim_what_it_does_not_know():
    edited = gallery(image_files='1')
    edited.add(torch.ones(1, 2), ['c.jpg'], 'new', is_new=True)
    assert 'image_files' not in edited.fingerprint
