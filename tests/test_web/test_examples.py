"""Images to try are known by number, never by path."""

import pytest

from mmc2f.web import examples
from mmc2f.web.examples import Examples


def test_one_of_each_class_first(images, monkeypatch):
    monkeypatch.setattr(examples, 'MOST_EXAMPLES', 6)
    tried = Examples.in_folder(images / 'test')
    assert len(tried.images) == 6
    means = [image.mean(axis=(0, 1)).round(-1) for image in tried.images]
    # Four classes, then the first two again.
    assert len({tuple(mean) for mean in means[:4]}) == 4
    assert abs(means[4] - means[0]).max() <= 20


def test_found_by_number(images):
    tried = Examples.in_folder(images / 'test')
    assert tried.find('example 1') is tried.images[1]
    assert tried.find('data:image/png;base64,') is None
    assert tried.find(None) is None


@pytest.mark.parametrize(
    'number', ['99', '-1', '', '1/../2', '٣', '9' * 5000, '²', ' 1']
)
def test_no_such_example(images, number):
    tried = Examples.in_folder(images / 'test')
    with pytest.raises(ValueError, match='no such example'):
        tried.find(f'example {number}')


def test_a_folder_without_images(tmp_path):
    with pytest.raises(FileNotFoundError, match='has no image'):
        Examples.in_folder(tmp_path)
