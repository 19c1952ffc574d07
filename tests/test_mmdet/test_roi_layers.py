"""Crops by ``mmcv.ops``, and how they differ at the border without ours."""

import pytest
import torch
from torch.nn.functional import pad

from mmc2f.models.regions import RegionCropper
from mmc2f.registry import MODELS

pytestmark = pytest.mark.mmdet

HEIGHT, WIDTH = 20, 24
INSIDE = [[0.5, 0.5, 23.5, 19.5], [3.0, 4.0, 15.0, 16.0], [2.3, 1.7, 9.1, 8.2]]
BEYOND = [
    [-8.0, -6.0, 8.0, 10.0],
    [12.0, 10.0, 36.0, 34.0],
    [-0.4, -0.4, 24.4, 20.4],
    [40.0, 40.0, 56.0, 56.0],
    [-5.3, 3.1, 40.7, 3.9],
]


def images(dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(
        2, 3, HEIGHT, WIDTH, generator=generator, dtype=torch.float64
    ).to(dtype)


def boxes(*rows):
    return torch.tensor([*rows]).expand(2, -1, -1)


def roi_align(inputs, regions, size, sampling_ratio):
    """mmcv's layer without ours."""
    from mmcv.ops import RoIAlign

    index = torch.arange(len(inputs)).repeat_interleave(regions.shape[1])
    rois = torch.cat([index[:, None].to(regions), regions.flatten(0, 1)], 1)
    return RoIAlign(size, 1.0, sampling_ratio)(inputs, rois)


# Not 0 in double precision: mmcv rounds the size of the box to single before
# it chooses the number of samples.
@pytest.mark.parametrize(
    ('dtype', 'sampling_ratio'),
    [
        *((torch.float32, ratio) for ratio in (0, 1, 2)),
        *((torch.float64, ratio) for ratio in (1, 2)),
    ],
)
@pytest.mark.parametrize('size', [1, 7, 32])
def test_equal_to_the_last_bit(size, sampling_ratio, dtype):
    regions = boxes(*INSIDE, *BEYOND).to(dtype)
    ours = RegionCropper(size, sampling_ratio)
    theirs = RegionCropper(size, sampling_ratio, dict(type='RoIAlign'))
    crops = theirs(images(dtype), regions)
    assert torch.equal(ours(images(dtype), regions), crops)
    # Both are mmcv's on images with a border of zeros.
    padded = pad(images(dtype), (1, 1, 1, 1))
    expected = roi_align(padded, regions + 1, size, sampling_ratio)
    assert torch.equal(crops, expected)


@pytest.mark.parametrize('sampling_ratio', [0, 1, 2])
def test_inside_the_image_the_border_changes_nothing(sampling_ratio):
    """Where all samples lie among the centres of pixels."""
    crops = RegionCropper(5, sampling_ratio)(images(), boxes(*INSIDE))
    expected = roi_align(images(), boxes(*INSIDE), 5, sampling_ratio)
    torch.testing.assert_close(crops, expected, rtol=1e-5, atol=1e-5)


def test_at_the_border_roi_align_alone_repeats_and_ours_fades():
    """It repeats the outermost pixel for half a pixel beyond the image.

    The samples lie 1.25, 0.75 and 0.25 pixels outside of the left border
    and 0.25 inside. The centre of the outermost pixel lies 0.5 inside; from
    there ours falls to zero within a pixel, as if zeros lay around the image.
    """
    ones = torch.ones(1, 3, 8, 8)
    box = torch.tensor([[[-1.5, 2.0, 0.5, 4.0]]])
    alone = roi_align(ones, box, 4, 1)[0, 0, 0]
    ours = RegionCropper(4)(ones, box)[0, 0, 0]
    assert alone.tolist() == [0, 0, 1, 1]
    assert ours.tolist() == [0, 0, 0.25, 0.75]


def test_half_precision_and_no_gradient():
    cropper = RegionCropper(4, roi_layer=dict(type='RoIAlign'))
    inputs = images().half().requires_grad_()
    crops = cropper(inputs, boxes(*BEYOND))
    assert crops.dtype == torch.float16 and not crops.requires_grad
    assert torch.equal(crops, RegionCropper(4)(inputs, boxes(*BEYOND)))


def test_other_layers_and_settings_of_the_layer():
    layer = dict(type='RoIAlign', sampling_ratio=2, pool_mode='max')
    cropper = MODELS.build(
        dict(type='mmc2f.RegionCropper', size=4, roi_layer=layer)
    )
    assert cropper.roi_layer.sampling_ratio == 2
    whole = torch.tensor([[[0.0, 0, 8, 8]]])
    ramp = torch.arange(64.0).reshape(1, 1, 8, 8).expand(1, 3, 8, 8)
    mean = RegionCropper(4, 2)(ramp, whole)
    # Samples lie on the pixels: the last of each 2 x 2 is the largest.
    assert torch.equal(cropper(ramp, whole), mean + 4.5)
    assert layer == dict(type='RoIAlign', sampling_ratio=2, pool_mode='max')
    # It has no implementation for the CPU.
    pool = RegionCropper(4, roi_layer=dict(type='RoIPool')).roi_layer
    assert (pool.output_size, pool.spatial_scale) == ((4, 4), 1.0)


def test_an_unknown_layer_is_named():
    with pytest.raises(ValueError, match=r"such as RoIAlign, not 'RoIAlin'"):
        RegionCropper(roi_layer=dict(type='RoIAlin'))
