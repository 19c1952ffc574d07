"""Loaders that serve the same images at many resolutions."""

import copy

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from tiny_ccfr import (
    CLASSES,
    IMAGES_PER_CLASS,
    SIZE,
    TREE,
    loader_config,
    write_images,
)

from mmc2f.datasets.resolution_loader import (
    default_resolutions,
    resolution_loader,
)
from mmc2f.datasets.transforms.degrade_resolution import degrade
from mmc2f.structures import LabelTree

NUM_IMAGES = IMAGES_PER_CLASS * len(CLASSES)
LABEL_TREE = LabelTree.build(TREE)


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'))


@pytest.fixture
def cfg(images):
    init_default_scope('mmpretrain')
    loaders = {
        f'{split}_dataloader': loader_config(images, split)
        for split in ('train', 'val')
    }
    return Config(loaders)


def wrap(loader):
    """The loader as MLPH has it, in two views of its own."""
    dataset = copy.deepcopy(loader.dataset.to_dict())
    pack = dataset['pipeline'].pop()
    pipeline = [
        *dataset.pop('pipeline'),
        dict(type='mmc2f.DegradeResolution'),
        dict(pack, algorithm_keys=['gt_label_levels'], meta_keys=['level']),
    ]
    loader.dataset = dict(
        type='mmc2f.MultiResolutionDataset',
        dataset=dataset,
        tree=TREE,
        views=[
            dict(name='high', level=0, resolution=None),
            dict(name='low', level=1, resolution=4),
        ],
        pipeline=pipeline,
    )


def samples_of(loader):
    return [
        (image, sample)
        for batch in loader
        for image, sample in zip(
            batch['inputs'], batch['data_samples'], strict=True
        )
    ]


def as_image(tensor):
    return np.ascontiguousarray(tensor.permute(1, 2, 0).numpy())


@pytest.mark.parametrize('is_wrapped', [False, True])
def test_each_image_comes_at_each_resolution(cfg, is_wrapped):
    if is_wrapped:
        wrap(cfg.val_dataloader)
    samples = samples_of(resolution_loader(cfg, LABEL_TREE, [SIZE, 8]))
    assert len(samples) == 2 * NUM_IMAGES
    whole, low = samples[:NUM_IMAGES], samples[NUM_IMAGES:]
    assert {sample.view for _, sample in whole} == {str(SIZE)}
    assert {sample.view for _, sample in low} == {'8'}
    for (image, one), (lowered, other) in zip(whole, low, strict=True):
        assert np.array_equal(as_image(lowered), degrade(as_image(image), 8))
        # The finest label, in every resolution.
        assert one.gt_label.equal(other.gt_label)
    labels = torch.cat([sample.gt_label for _, sample in whole])
    assert labels.bincount().tolist() == [IMAGES_PER_CLASS] * len(CLASSES)


def test_pixels_are_those_of_the_pipeline(cfg):
    plain = samples_of(resolution_loader(cfg, LABEL_TREE, [SIZE]))
    wrap(cfg.val_dataloader)
    again = samples_of(resolution_loader(cfg, LABEL_TREE, [SIZE]))
    for (image, _), (same, _) in zip(plain, again, strict=True):
        assert image.equal(same)


def test_lowered_after_the_crop(cfg):
    crop = dict(type='CenterCrop', crop_size=32)
    cfg.val_dataloader.dataset.pipeline.insert(1, crop)
    loader = resolution_loader(cfg, LABEL_TREE, [32, 16])
    (whole, _), *_, (low, _) = samples_of(loader)
    assert whole.shape == low.shape == (3, 32, 32)
    assert not low.equal(whole)


def test_default_resolutions_begin_with_the_size_of_the_input(cfg):
    cfg.val_dataloader.dataset.pipeline.insert(
        1, dict(type='Resize', scale=(56, 84))
    )
    views = resolution_loader(cfg, LABEL_TREE).dataset.metainfo['views']
    expected = [56, 40, 32, 28, 24, 20, 16, 14, 12, 10, 8, 6, 4]
    assert views == [str(resolution) for resolution in expected]


def test_defaults_for_any_size():
    assert default_resolutions(224)[:5] == [224, 160, 128, 112, 96]
    assert default_resolutions(448)[-1] == 32
    assert default_resolutions(300)[:3] == [300, 214, 171]
    assert default_resolutions(4) == [4, 3, 2, 1]  # each once
    assert default_resolutions(1) == [1]


@pytest.mark.parametrize('is_wrapped', [False, True])
def test_training_images_go_through_the_validation_pipeline(cfg, is_wrapped):
    crop = dict(type='CenterCrop', crop_size=32)
    cfg.val_dataloader.dataset.pipeline.insert(1, crop)
    if is_wrapped:
        wrap(cfg.train_dataloader)
        cfg.train_dataloader.batch_sampler = dict(type='mmc2f.Missing')
    loader = resolution_loader(cfg, LABEL_TREE, [8], split='train')
    samples = samples_of(loader)
    assert len(samples) == NUM_IMAGES
    assert all('/train/' in sample.img_path for _, sample in samples)
    assert samples[0][0].shape == (3, 32, 32)


def test_loader_options_that_would_lose_images_are_dropped(cfg):
    cfg.val_dataloader.update(
        batch_size=5, drop_last=True, num_batch_per_epoch=1
    )
    cfg.val_dataloader.dataset.pipeline.insert(
        1, dict(type='mmc2f.AddHierarchyLabels', tree=TREE)
    )
    loader = resolution_loader(cfg, LABEL_TREE, [8])
    assert len(samples_of(loader)) == NUM_IMAGES


def test_config_is_left_alone(cfg):
    before = copy.deepcopy(cfg.to_dict())
    resolution_loader(cfg, LABEL_TREE, [8])
    assert cfg.to_dict() == before


@pytest.mark.parametrize('split', ['val', 'train'])
def test_missing_loader(cfg, split):
    cfg.pop(f'{split}_dataloader')
    with pytest.raises(ValueError, match=f'no {split}_dataloader'):
        resolution_loader(cfg, LABEL_TREE, [8], split)


def test_pipeline_that_does_not_pack(cfg):
    cfg.val_dataloader.dataset.pipeline.pop()
    with pytest.raises(ValueError, match='no pipeline with PackInputs'):
        resolution_loader(cfg, LABEL_TREE, [8])


@pytest.mark.parametrize(
    ('resolutions', 'message'),
    [([8, 0], 'positive whole number'), ([8, 8], "2 views are called '8'")],
)
def test_wrong_resolutions(cfg, resolutions, message):
    with pytest.raises(ValueError, match=message):
        resolution_loader(cfg, LABEL_TREE, resolutions)


def test_classes_of_another_tree(cfg):
    with pytest.raises(ValueError, match=r'has 4 classes, but level .* 21'):
        resolution_loader(cfg, LabelTree.build('fonts'), [8])
