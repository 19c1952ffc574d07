"""Boxes back in the original image, against pixels that were followed."""

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope

from mmc2f.structures import InputGeometry

RESIZE = dict(type='Resize', scale=(60, 50), interpolation='bilinear')
EDGE = dict(type='ResizeEdge', scale=48, edge='short')
FLIP = dict(type='RandomFlip', prob=1.0)
# (W, H), as mmcv wants it.
CROP = dict(type='CenterCrop', crop_size=(40, 36))
ODD_CROP = dict(type='CenterCrop', crop_size=(41, 37))
PIPELINES = {
    'as it is': [],
    'crop': [CROP],
    'resize': [RESIZE],
    'resize and crop': [RESIZE, CROP],
    'odd crop': [RESIZE, ODD_CROP],
    'edge and crop': [EDGE, CROP],
    'crop larger than the image': [
        EDGE,
        dict(type='CenterCrop', crop_size=(40, 90)),
    ],
    'keep ratio': [dict(RESIZE, keep_ratio=True)],
    'mirrored': [RESIZE, CROP, FLIP],
    'mirrored odd crop': [EDGE, ODD_CROP, FLIP],
    'upside down': [EDGE, CROP, dict(FLIP, direction='vertical')],
    'both': [EDGE, CROP, dict(FLIP, direction='diagonal')],
}


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        yield


def run(steps, image):
    """The input and the metainfo of a picture after a pipeline."""
    results = dict(
        img=image,
        img_path='a.png',
        ori_shape=image.shape[:2],
        img_shape=image.shape[:2],
    )
    packed = Compose([*steps, dict(type='PackInputs')])(results)
    return packed['inputs'], packed['data_samples'].metainfo


def coordinates(height, width):
    """A picture whose channels 0 and 1 are x and y of the pixel centres."""
    y, x = np.mgrid[:height, :width] + 0.5
    return np.stack([x, y, 0 * x], axis=-1).astype(np.float32)


@pytest.mark.parametrize('shape', [(75, 100), (101, 66), (64, 64)])
@pytest.mark.parametrize('name', PIPELINES)
def test_pixels_are_found_where_they_come_from(name, shape):
    if name == 'as it is' or 'larger' in name:
        shape = (64, 80)
    inputs, meta = run(PIPELINES[name], coordinates(*shape))
    geometry = InputGeometry.from_meta(meta)
    height, width = inputs.shape[1:]
    assert geometry.input_size == (height, width)
    assert geometry.original_size == shape
    # At the rim an interpolation has only one side to look at.
    rows = torch.arange(3, height - 3)
    columns = torch.arange(3, width - 3)
    y, x = torch.meshgrid(rows, columns, indexing='ij')
    points = torch.stack([x, y], dim=-1) + 0.5
    expected = inputs[:2][:, y, x].permute(1, 2, 0)
    found = geometry.to_original(points)
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0)
    torch.testing.assert_close(geometry.to_input(found), points)


def test_boxes_by_hand():
    # 200 x 100 (W x H) to 100 x 80, of which 60 x 40 are cut at (20, 20).
    meta = dict(
        ori_shape=(100, 200), img_shape=(40, 60), scale_factor=(0.5, 0.8)
    )
    geometry = InputGeometry.from_meta(meta)
    boxes = torch.tensor([[0.0, 0.0, 60.0, 40.0], [-10.0, 4.0, 10.0, 12.0]])
    original = geometry.boxes_to_original(boxes)
    expected = [[40.0, 25.0, 160.0, 75.0], [20.0, 30.0, 60.0, 40.0]]
    torch.testing.assert_close(original, torch.tensor(expected))
    torch.testing.assert_close(geometry.boxes_to_input(original), boxes)
    mirrored = InputGeometry.from_meta(
        dict(meta, flip=True, flip_direction='horizontal')
    )
    original = mirrored.boxes_to_original(boxes)
    expected = [[40.0, 25.0, 160.0, 75.0], [140.0, 30.0, 180.0, 40.0]]
    torch.testing.assert_close(original, torch.tensor(expected))
    torch.testing.assert_close(mirrored.boxes_to_input(original), boxes)


@pytest.mark.parametrize(
    'step',
    [
        dict(type='RandomCrop', crop_size=32),
        dict(type='RandomResizedCrop', scale=32),
        dict(type='EfficientNetCenterCrop', crop_size=32),
    ],
    ids=lambda step: step['type'],
)
def test_a_crop_that_does_not_tell_its_place_is_refused(step):
    _, meta = run([RESIZE, step], coordinates(75, 100))
    with pytest.raises(ValueError, match=r'a\.png has img_shape .*3.*Resize'):
        InputGeometry.from_meta(meta)


@pytest.mark.parametrize(
    'steps',
    [
        [RESIZE, dict(type='Pad', size=(64, 64))],
        [dict(EDGE, scale=31), dict(EDGE, scale=48)],
    ],
    ids=['padded', 'resized twice'],
)
def test_other_steps_are_refused(steps):
    _, meta = run(steps, coordinates(75, 101))
    with pytest.raises(ValueError, match='cannot have become an input of'):
        InputGeometry.from_meta(meta)


def test_missing_and_broken_meta():
    with pytest.raises(ValueError, match='an image has ori_shape None'):
        InputGeometry.from_meta({})
    meta = dict(ori_shape=(8, 8), img_shape=(8, 8), scale_factor=(1.0, 0.0))
    with pytest.raises(ValueError, match='two positive numbers'):
        InputGeometry.from_meta(meta)
