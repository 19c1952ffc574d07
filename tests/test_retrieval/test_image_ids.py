"""Names and labels of the images of a data set, and their digest."""

import numpy as np
import pytest
import torch

from mmc2f.retrieval.image_ids import dataset_images, hash_images, image_id


class Pictures:
    data_root = '/data/pictures'

    def __init__(self, infos):
        self.infos = infos

    def __len__(self):
        return len(self.infos)

    def get_data_info(self, place):
        return self.infos[place]


@pytest.mark.parametrize(
    'path, expected',
    [
        ('/data/pictures/a/1.jpg', 'a/1.jpg'),
        ('/data/pictures/a/\udcff.jpg', 'a/\udcff.jpg'),
        ('/data/others/1.jpg', '/data/others/1.jpg'),
        (None, 'image 7'),
    ],
)
def test_id_is_the_path_under_the_root(path, expected):
    assert image_id(path, '/data/pictures', 7) == expected


def test_images_of_a_data_set():
    infos = [{'img_path': '/data/pictures/1.jpg', 'gt_label': 2}, {}]
    assert dataset_images(Pictures(infos)) == (['1.jpg', 'image 1'], [2, None])


@pytest.mark.parametrize('label', [np.int64(1), torch.tensor([1]), [1]])
def test_kind_of_a_label_does_not_count(label):
    assert hash_images(['a'], [label]) == hash_images(['a'], [1])


@pytest.mark.parametrize(
    'ids, labels',
    [
        (['a', 'b'], [1, 0]),
        (['b', 'a'], [0, 1]),
        (['a', 'c'], [0, 1]),
        (['a', 'b'], [0, None]),
        (['a', 'b'], [0, [1, 2]]),
        (['a'], [0]),
        (['a', '\udcff'], [0, 1]),
    ],
)
def test_ids_labels_and_their_order_count(ids, labels):
    assert hash_images(ids, labels) != hash_images(['a', 'b'], [0, 1])
