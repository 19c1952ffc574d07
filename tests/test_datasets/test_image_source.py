"""The images that predictions name."""

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS
from PIL import Image
from tiny_ccfr import loader_config, write_images
from tiny_views import VIEWS, views_loader

from mmc2f.datasets.image_source import ImageSource
from mmc2f.datasets.transforms.degrade_resolution import degrade

NAME = 'test/blue/2.png'


@pytest.fixture
def root(tmp_path):
    init_default_scope('mmpretrain')
    return write_images(tmp_path / 'images', splits=['train', 'test'])


@pytest.fixture
def dataset(root):
    return loader_config(root, 'test')['dataset']


def pixels(root):
    with Image.open(root / NAME) as image:
        return np.asarray(image.convert('RGB'))


@pytest.mark.parametrize('whole', [True, False])
def test_finds_an_image_by_either_name(root, dataset, whole):
    source = ImageSource(DATASETS.build(dataset))
    image = source(str(root / NAME) if whole else NAME)
    assert np.array_equal(image, pixels(root))
    assert image.dtype == np.uint8 and image.flags['C_CONTIGUOUS']


def test_shows_what_the_model_is_given(root, dataset):
    dataset['pipeline'].insert(1, dict(type='CenterCrop', crop_size=32))
    image = ImageSource(DATASETS.build(dataset))(NAME)
    assert np.array_equal(image, pixels(root)[16:48, 16:48])


def test_looks_into_joined_data_sets(root, dataset):
    other = loader_config(root, 'train')['dataset']
    joined = dict(type='ConcatDataset', datasets=[other, dataset])
    image = ImageSource(DATASETS.build(joined))(str(root / NAME))
    assert np.array_equal(image, pixels(root))


def test_unknown_image_is_named(dataset):
    source = ImageSource(DATASETS.build(dataset))
    with pytest.raises(KeyError, match=r'owl.png is none of the 16 images'):
        source('test/owl.png')


@pytest.fixture
def views(root):
    loader = views_loader(root, 'test', in_turn=False)
    return ImageSource(DATASETS.build(loader['dataset']))


@pytest.mark.parametrize('view', VIEWS, ids=lambda view: view['name'])
def test_shows_an_image_in_a_view(root, views, view):
    expected = pixels(root)
    if view['resolution'] is not None:
        expected = degrade(expected, view['resolution'])
    assert np.array_equal(views(NAME, view['name']), expected)


def test_first_view_unless_told(root, views):
    assert np.array_equal(views(NAME), pixels(root))


def test_unknown_view_is_named(views):
    message = r"2.png in a view 'tiny' is none of the 16 images"
    with pytest.raises(KeyError, match=message):
        views(NAME, 'tiny')
