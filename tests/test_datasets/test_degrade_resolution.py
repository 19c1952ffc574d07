"""Lowering the resolution of images."""

import cv2
import numpy as np
import pytest
from mmpretrain.registry import TRANSFORMS

from mmc2f.datasets import DegradeResolution
from mmc2f.datasets.transforms.degrade_resolution import degrade


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def area_means(image, factor):
    """Mean of each block of ``factor`` x ``factor`` pixels, in loops."""
    height, width, channels = image.shape
    small = np.zeros((height // factor, width // factor, channels))
    for y in range(height // factor):
        for x in range(width // factor):
            for c in range(channels):
                total = 0
                for dy in range(factor):
                    for dx in range(factor):
                        total += int(
                            image[y * factor + dy, x * factor + dx, c]
                        )
                small[y, x, c] = total / factor**2
    return small


def cubic_weight(distance, a=-0.75):
    """Keys' kernel with the parameter that OpenCV has."""
    d = abs(distance)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    if d < 2:
        return a * (d**3 - 5 * d**2 + 8 * d - 4)
    return 0.0


def bicubic(small, factor):
    """Enlarge by ``factor``; pixels past the edge are those of the edge."""
    rows, columns, channels = small.shape
    large = np.zeros((rows * factor, columns * factor, channels))
    for y in range(rows * factor):
        for x in range(columns * factor):
            # Centres of pixels lie at halves.
            v, u = (y + 0.5) / factor - 0.5, (x + 0.5) / factor - 0.5
            for row in range(int(np.floor(v)) - 1, int(np.floor(v)) + 3):
                for col in range(int(np.floor(u)) - 1, int(np.floor(u)) + 3):
                    weight = cubic_weight(v - row) * cubic_weight(u - col)
                    source = small[
                        min(max(row, 0), rows - 1),
                        min(max(col, 0), columns - 1),
                    ]
                    large[y, x] += weight * source
    return np.clip(np.rint(large), 0, 255)


def test_is_block_means_enlarged_bicubically():
    image = noise(24, 36, 3)
    # Whole grey levels in between, as an 8-bit image has.
    small = np.rint(area_means(image, 4))
    difference = bicubic(small, 4) - degrade(image, 6).astype(float)
    # OpenCV counts in fixed point.
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(
    ('shape', 'resolution', 'between'),
    [
        ((448, 448, 3), 112, (112, 112)),
        ((448, 448, 3), 100, (100, 100)),
        ((60, 90, 3), 20, (20, 30)),
        ((90, 60, 3), 20, (30, 20)),
        ((70, 101, 3), 33, (33, 48)),
        ((50, 40), 8, (10, 8)),
        ((50, 40, 1), 8, (10, 8)),
        ((5, 500, 3), 1, (1, 100)),
    ],
)
def test_is_opencvs_area_then_bicubic(shape, resolution, between):
    image = noise(*shape)
    before = image.copy()
    rows, columns = between
    small = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    large = cv2.resize(
        small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC
    )
    lowered = degrade(image, resolution)
    assert lowered.dtype == np.uint8 and lowered.shape == shape
    assert np.array_equal(lowered, large.reshape(shape))
    assert np.array_equal(image, before)


def test_details_go_and_the_rest_stays():
    ramp = np.linspace(40, 200, 224)
    smooth = np.broadcast_to(ramp[:, None], (224, 224)).astype(np.uint8)
    stripes = np.zeros((224, 224), np.uint8)
    stripes[:, ::2] = 200
    lost = np.abs(degrade(smooth, 28).astype(int) - smooth)[8:-8]
    assert lost.max() <= 2
    assert np.ptp(degrade(stripes, 28)) == 0


def test_a_uniform_image_keeps_its_colour():
    image = np.full((64, 48, 3), (250, 3, 128), np.uint8)
    assert np.array_equal(degrade(image, 7), image)


@pytest.mark.parametrize('resolution', [40, 41, 500])
def test_small_image_is_left_as_it_is(resolution):
    image = noise(40, 60, 3)
    assert degrade(image, resolution) is image
    results = dict(img=image)
    DegradeResolution(resolution).transform(results)
    assert results['img'] is image


def test_one_pixel_more_is_lowered():
    image = noise(40, 60, 3)
    assert not np.array_equal(degrade(image, 39), image)


@pytest.mark.parametrize('results', [{}, {'resolution': None}])
def test_without_resolution_nothing_happens(results):
    image = noise(40, 60, 3)
    after = DegradeResolution()(dict(results, img=image))
    assert after.keys() == {'img', *results}
    assert after['img'] is image


def test_resolution_of_the_sample():
    image = noise(40, 60, 3)
    after = DegradeResolution()(dict(img=image, resolution=10))
    assert np.array_equal(after['img'], degrade(image, 10))
    assert after['resolution'] == 10


@pytest.mark.parametrize('own', [{}, {'resolution': 10}, {'resolution': None}])
def test_resolution_of_the_config_goes_first(own):
    image = noise(40, 60, 3)
    after = DegradeResolution(20)(dict(own, img=image))
    assert np.array_equal(after['img'], degrade(image, 20))
    assert after['resolution'] == 20


@pytest.mark.parametrize(
    'resolution', [0, -3, 2.5, 56.0, '56', True, (56, 56)]
)
def test_impossible_resolutions(resolution):
    message = 'must be a positive whole number of pixels, or None'
    with pytest.raises(ValueError, match=f'^DegradeResolution.*{message}'):
        DegradeResolution(resolution)
    results = dict(
        img=noise(4, 4, 3), resolution=resolution, img_path='a/gull.jpg'
    )
    with pytest.raises(ValueError, match=f'^image a/gull.jpg.*{message}'):
        DegradeResolution()(results)


def test_numpy_integers_are_integers():
    assert DegradeResolution(np.int64(56)).resolution == 56


def test_image_that_is_not_8_bit():
    image = noise(8, 8, 3).astype(np.float32)
    with pytest.raises(ValueError, match='8-bit images, but got float32'):
        DegradeResolution(4)(dict(img=image))


def test_registered_name():
    built = TRANSFORMS.build(dict(type='mmc2f.DegradeResolution'))
    assert repr(built) == 'DegradeResolution(resolution=None)'
