import math

import pytest
import torch

from mmc2f.models.regions import RegionCropper
from mmc2f.registry import MODELS


def pixel(image, y, x):
    """Value of a pixel, zero outside the image."""
    _, height, width = image.shape
    if 0 <= y < height and 0 <= x < width:
        return image[:, y, x]
    return torch.zeros_like(image[:, 0, 0])


def bilinear(image, y, x):
    """Value at a point, the centre of pixel (i, j) at (i + 0.5, j + 0.5)."""
    y, x = y - 0.5, x - 0.5
    top, left = math.floor(y), math.floor(x)
    dy, dx = y - top, x - left
    return (
        pixel(image, top, left) * (1 - dy) * (1 - dx)
        + pixel(image, top, left + 1) * (1 - dy) * dx
        + pixel(image, top + 1, left) * dy * (1 - dx)
        + pixel(image, top + 1, left + 1) * dy * dx
    )


def naive_crop(image, box, size, samples):
    """Mean of ``samples`` x ``samples`` points in each cell of the box."""
    x1, y1, x2, y2 = box.tolist()
    crop = torch.zeros(image.shape[0], size, size, dtype=image.dtype)
    for row in range(size):
        for column in range(size):
            for i in range(samples):
                for j in range(samples):
                    v = (row + (i + 0.5) / samples) / size
                    u = (column + (j + 0.5) / samples) / size
                    crop[:, row, column] += bilinear(
                        image, y1 + v * (y2 - y1), x1 + u * (x2 - x1)
                    )
    return crop / samples**2


BOXES = torch.tensor(
    [
        [
            [1.0, 2.0, 6.0, 7.0],  # inside
            [-3.3, -2.6, 4.2, 3.9],  # over the top left corner
            [4.1, 3.7, 12.9, 9.4],  # over the bottom right corner
        ],
        [
            [-0.4, -0.4, 8.3, 7.4],  # less than a pixel outside
            [20.0, 20.0, 24.0, 24.0],  # far outside
            [2.5, 1.0, 3.5, 6.0],  # narrow
        ],
    ]
).double()


@pytest.mark.parametrize('samples', [1, 2])
def test_equals_naive_bilinear_with_zero_outside(samples):
    images = torch.randn(
        2, 3, 7, 8, dtype=torch.float64, generator=torch.manual_seed(0)
    )
    crops = RegionCropper(5, samples)(images, BOXES)
    expected = [
        naive_crop(image, box, 5, samples)
        for image, boxes in zip(images, BOXES, strict=True)
        for box in boxes
    ]
    torch.testing.assert_close(crops, torch.stack(expected))


def test_region_outside_the_image_is_exactly_zero():
    images = torch.ones(1, 3, 8, 8)
    # One pixel beyond the border, where roi_align alone would repeat it.
    boxes = torch.tensor([[[-3.5, 0.0, -0.5, 3.0], [8.5, 8.5, 11.5, 11.5]]])
    assert RegionCropper(3)(images, boxes).abs().max() == 0


@pytest.mark.parametrize('sampling_ratio', [0, 1])
def test_crop_of_the_whole_image_is_the_image(sampling_ratio):
    images = torch.randn(2, 3, 9, 9, generator=torch.manual_seed(0))
    boxes = torch.tensor([0.0, 0.0, 9.0, 9.0]).expand(2, 1, 4)
    crops = RegionCropper(9, sampling_ratio)(images, boxes)
    torch.testing.assert_close(crops, images)


def test_adaptive_sampling_averages_when_shrinking():
    images = torch.tensor([0.0, 1.0]).repeat(8, 4).expand(1, 3, 8, 8)
    boxes = torch.tensor([[[0.0, 0.0, 8.0, 8.0]]])
    crops = RegionCropper(2, sampling_ratio=0)(images, boxes)
    torch.testing.assert_close(crops, torch.full((1, 3, 2, 2), 0.5))


def test_rows_are_ordered_by_image_then_region():
    images = torch.stack([torch.full((3, 8, 8), v) for v in (1.0, 2.0)])
    images[:, :, :, 4:] *= 10
    left, right = [1.0, 1.0, 3.0, 3.0], [5.0, 5.0, 7.0, 7.0]
    crops = RegionCropper(2)(images, torch.tensor([[left, right]] * 2))
    assert crops.mean(dim=(1, 2, 3)).tolist() == [1, 10, 2, 20]


def test_no_regions_give_no_crops():
    crops = RegionCropper(4)(torch.zeros(2, 3, 8, 8), torch.zeros(2, 0, 4))
    assert crops.shape == (0, 3, 4, 4)


def test_crops_are_detached():
    images = torch.zeros(2, 3, 7, 8, requires_grad=True)
    boxes = BOXES.clone().requires_grad_()
    assert not RegionCropper(4)(images, boxes).requires_grad


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_keeps_exact_coordinates(dtype):
    images = torch.randn(2, 3, 7, 8, generator=torch.manual_seed(0)).to(dtype)
    cropper = RegionCropper(5)
    crops = cropper(images, BOXES)
    assert crops.dtype == dtype
    assert torch.equal(crops, cropper(images.float(), BOXES).to(dtype))


@pytest.mark.parametrize(
    'images, boxes, message',
    [
        (torch.zeros(3, 8, 8), torch.zeros(1, 1, 4), r'images must be \(B'),
        (
            torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
            torch.zeros(1, 1, 4),
            'floating point, got torch.uint8',
        ),
        (torch.zeros(2, 3, 8, 8), torch.zeros(1, 1, 4), r'\(2, R, 4\)'),
        (torch.zeros(2, 3, 8, 8), torch.zeros(2, 4), r'\(2, R, 4\)'),
        (torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 5), r'\(2, R, 4\)'),
    ],
)
def test_rejects_wrong_input(images, boxes, message):
    with pytest.raises(ValueError, match=message):
        RegionCropper(4)(images, boxes)


@pytest.mark.parametrize('arguments', [{'size': 0}, {'sampling_ratio': -1}])
def test_rejects_wrong_arguments(arguments):
    with pytest.raises(ValueError, match=f'{next(iter(arguments))} of Region'):
        RegionCropper(**arguments)


def test_builds_from_a_config_and_shows_its_parameters():
    cropper = MODELS.build({'type': 'mmc2f.RegionCropper', 'size': 112})
    assert repr(cropper) == 'RegionCropper(size=112, sampling_ratio=1)'
