"""Training images, seen as a test sees its images."""

import copy

import pytest
import torch
from mmengine.registry import init_default_scope
from tiny_ccfr import CLASSES, IMAGES_PER_CLASS, tiny_config, write_images
from tiny_views import VIEWS, views_loader

from mmc2f.datasets import AddHierarchyLabels
from mmc2f.datasets.train_loader_in_test_mode import (
    _set_pipeline,
    train_loader_in_test_mode,
)

NUM_IMAGES = IMAGES_PER_CLASS * len(CLASSES)


@pytest.fixture
def cfg(tmp_path):
    init_default_scope('mmpretrain')
    return tiny_config(write_images(tmp_path / 'images'), tmp_path)


def read(loader):
    batches = list(loader)
    samples = [sample for batch in batches for sample in batch['data_samples']]
    images = torch.cat([torch.stack(tuple(b['inputs'])) for b in batches])
    return images, samples


def test_has_every_training_image_once_and_in_order(cfg):
    cfg.test_dataloader.batch_size = 5
    # Neither of these may lose an image.
    cfg.test_dataloader.drop_last = True
    cfg.test_dataloader.num_batch_per_epoch = 1
    loader = train_loader_in_test_mode(cfg)
    assert loader.batch_size == 5
    _, samples = read(loader)
    assert [s.gt_label.item() for s in samples] == [
        label for label in range(4) for _ in range(IMAGES_PER_CLASS)
    ]
    paths = [s.img_path for s in samples]
    assert len(set(paths)) == NUM_IMAGES
    assert all('/train/' in path for path in paths)


def test_pipeline_is_that_of_the_test_without_coarse_labels(cfg):
    plain, _ = read(train_loader_in_test_mode(cfg))
    load, pack = cfg.train_dataloader.dataset.pipeline
    flip = dict(type='RandomFlip', prob=1.0, direction='horizontal')
    levels = dict(type='mmc2f.AddHierarchyLabels', tree=None)
    cfg.train_dataloader.dataset.pipeline = [load, dict(type='Rotate'), pack]
    cfg.test_dataloader.dataset.pipeline = [load, flip, levels, pack]
    flipped, _ = read(train_loader_in_test_mode(cfg))
    assert flipped.equal(plain.flip(-1))


def test_config_is_not_changed(cfg):
    before = copy.deepcopy(cfg.to_dict())
    train_loader_in_test_mode(cfg)
    assert cfg.to_dict() == before


def test_wrapped_data_set_is_looked_through(cfg):
    inner = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(
        type='RepeatDataset', times=2, dataset=inner
    )
    cfg.test_dataloader.dataset.pipeline.insert(
        1, dict(type='Resize', scale=(32, 32))
    )
    images, samples = read(train_loader_in_test_mode(cfg))
    assert len(samples) == 2 * NUM_IMAGES
    assert images.shape[-2:] == (32, 32)


def several_views(cfg, tmp_path, *views):
    images = tmp_path / 'images'
    cfg.train_dataloader = views_loader(images)
    cfg.train_dataloader.dataset.pipeline = []
    cfg.test_dataloader = views_loader(images, 'test', in_turn=False)
    if views:
        cfg.train_dataloader.dataset.views = list(views)
    return cfg


def test_of_several_views_only_the_finest_is_read(cfg, tmp_path):
    plain, _ = read(train_loader_in_test_mode(cfg))
    loader = train_loader_in_test_mode(several_views(cfg, tmp_path))
    assert len(loader.dataset) == NUM_IMAGES
    assert loader.dataset.data_root == str(tmp_path / 'images')
    assert loader.dataset.metainfo['classes'] == CLASSES
    images, samples = read(loader)
    assert images.equal(plain)
    assert [(s.view, s.gt_label.item()) for s in samples] == [
        ('high', label) for label in range(4) for _ in range(IMAGES_PER_CLASS)
    ]
    assert len({s.img_path for s in samples}) == NUM_IMAGES
    assert all('/train/' in s.img_path for s in samples)


def test_the_first_of_two_finest_views_is_read(cfg, tmp_path):
    plain, _ = read(train_loader_in_test_mode(cfg))
    _, medium, low = VIEWS
    second = dict(name='second', level=0, resolution=None)
    first = dict(low, level=-2)
    cfg = several_views(cfg, tmp_path, medium, first, second)
    images, samples = read(train_loader_in_test_mode(cfg))
    assert {(s.view, s.resolution, s.level) for s in samples} == {
        ('low', 4, 0)
    }
    # It is seen at its resolution.
    assert images.shape == plain.shape and not images.equal(plain)


def test_no_view_at_the_finest_level(cfg, tmp_path):
    cfg = several_views(cfg, tmp_path, *VIEWS[1:])
    with pytest.raises(ValueError, match=r"no view .* at level 'class'"):
        train_loader_in_test_mode(cfg)


def test_plain_training_and_tests_of_several_views(cfg, tmp_path):
    plain, _ = read(train_loader_in_test_mode(cfg))
    cfg.test_dataloader = views_loader(tmp_path / 'images', 'test')
    images, samples = read(train_loader_in_test_mode(cfg))
    assert images.equal(plain)
    assert 'view' not in samples[0]


def test_types_may_be_classes(cfg):
    load, pack = cfg.test_dataloader.dataset.pipeline
    levels = dict(type=AddHierarchyLabels, tree='none')
    cfg.test_dataloader.dataset.pipeline = [load, levels, pack]
    images, _ = read(train_loader_in_test_mode(cfg))
    assert len(images) == NUM_IMAGES


@pytest.mark.parametrize('key', ['train_dataloader', 'test_dataloader'])
def test_missing_loader_is_named(cfg, key):
    cfg[key] = None
    with pytest.raises(ValueError, match=f'config has no {key}'):
        train_loader_in_test_mode(cfg)


def test_pipeline_reaches_wrapped_datasets():
    inner = [{'type': 'A', 'pipeline': ['old']}, {'type': 'B'}]
    wrapped = {
        'type': 'RepeatDataset',
        'dataset': {'type': 'ConcatDataset', 'datasets': inner},
    }
    _set_pipeline(wrapped, ['new'])
    assert [data['pipeline'] for data in inner] == [['new'], ['new']]
    assert 'pipeline' not in wrapped
