"""Plain steps against the transforms of the host."""

import numpy as np
import pytest
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from mmpretrain.registry import TRANSFORMS

from mmc2f.deploy.image_steps import (
    apply_steps,
    boxes_in_original,
    input_shape,
    plain_steps,
)
from mmc2f.structures.input_geometry import InputGeometry

PIPELINES = {
    'crop of a square': [
        dict(type='Resize', scale=(96, 96), interpolation='bicubic'),
        dict(type='CenterCrop', crop_size=64),
    ],
    'crop of an edge': [
        dict(type='ResizeEdge', scale=70, edge='short'),
        dict(type='CenterCrop', crop_size=(64, 48)),
    ],
    'long edge, Pillow': [
        dict(
            type='mmpretrain.ResizeEdge',
            scale=63,
            edge='long',
            backend='pillow',
            interpolation='bicubic',
        ),
    ],
    'width': [dict(type='ResizeEdge', scale=50, edge='width')],
    'height': [dict(type='ResizeEdge', scale=50, edge='height')],
    'crop alone': [dict(type='CenterCrop', crop_size=40)],
    'nothing': [],
}


@pytest.mark.parametrize('shape', [(75, 101), (90, 61), (64, 64)])
@pytest.mark.parametrize('name', PIPELINES)
def test_pixels_and_geometry_are_those_of_the_host(name, shape):
    image = np.random.default_rng(0).integers(
        0, 256, (*shape, 3), dtype=np.uint8
    )
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        host = Compose([TRANSFORMS.build(step) for step in PIPELINES[name]])
    expected = host(dict(img=image, img_shape=shape, ori_shape=shape))
    found, geometry = apply_steps(image, plain_steps(PIPELINES[name]))
    np.testing.assert_array_equal(found, expected['img'])
    # The host's own note of it, which it rounds.
    noted = InputGeometry.from_meta(expected)
    np.testing.assert_allclose(geometry[0], noted.scale, atol=1e-6)
    np.testing.assert_allclose(geometry[1], noted.shift, atol=1e-6)


def test_boxes_go_back_and_stay_in_the_image():
    geometry = np.array([[2.0, 0.5], [-10.0, 4.0]])
    points = np.array([[5.0, 8.0, 20.0, 30.0]])
    boxes = points * np.tile(geometry[0], 2) + np.tile(geometry[1], 2)
    np.testing.assert_allclose(
        boxes_in_original(boxes, geometry, (100, 100)), points
    )
    np.testing.assert_allclose(
        boxes_in_original(boxes, geometry, (25, 15)), [[5, 8, 15, 25]]
    )


def test_size_is_known_where_there_is_one():
    shapes = {
        name: input_shape(plain_steps(steps))
        for name, steps in PIPELINES.items()
    }
    assert shapes['crop of a square'] == (64, 64)
    assert shapes['crop of an edge'] == (48, 64)
    assert shapes['crop alone'] == (40, 40)
    assert shapes['width'] is None and shapes['nothing'] is None


def test_steps_that_leave_pixels_alone_are_left_out():
    steps = [
        dict(type='mmc2f.LoadImage', on_error='raise'),
        dict(type='mmc2f.AddHierarchyLabels', tree='cub'),
        dict(type='mmc2f.DegradeResolution'),
        dict(type='PackInputs', meta_keys=('view',)),
    ]
    assert plain_steps(steps) == []


@pytest.mark.parametrize(
    ('step', 'message'),
    [
        (dict(type='RandomFlip', prob=0.5), 'RandomFlip with prob cannot'),
        (dict(type='Resize', scale=9, keep_ratio=True), 'keep_ratio'),
        (dict(type='CenterCrop', crop_size=9, auto_pad=True), 'auto_pad'),
        (dict(type='mmc2f.DegradeResolution', resolution=9), 'resolution'),
    ],
)
def test_other_steps_are_refused(step, message):
    with pytest.raises(ValueError, match=message):
        plain_steps([step])
