"""The metric over data samples, with the lists of a made-up data set."""

import numpy as np
import pytest
import torch
from made_up_cub import write_cub
from mmengine.dataset import Compose
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from PIL import Image

from mmc2f.evaluation.functional.box_hits import box_hits, hit_rates
from mmc2f.evaluation.metrics import PartHitRate
from mmc2f.evaluation.metrics.part_hit_rate import _Image, _parts_elsewhere
from mmc2f.registry import METRICS

# Twice as large, then the middle 60 x 80 (W x H) of 160 x 120.
META = dict(ori_shape=(60, 80), img_shape=(80, 60), scale_factor=(2.0, 2.0))
# What the first two images have, in pixels of the input: (2x - 50, 2y - 20).
KNOWN = {
    'a_1': ([[10, 20], [22, 28]], [-10, 0, 190, 100]),
    'a_2': ([[-30, 5], [10, 50]], [-50, -20, 30, 60]),
}


def make_sample(name, boxes, **meta):
    path = f'data/CUB/images/001.Ant_bird/{name}.jpg'
    sample = DataSample(metainfo=dict(META, img_path=path, **meta))
    sample.regions = torch.tensor(boxes)
    return sample


SAMPLES = [
    make_sample('a_1', [[8.0, 18.0, 16.0, 26.0], [30.0, 30.0, 50.0, 50.0]]),
    make_sample('a_2', [[-34.0, 1.0, -26.0, 9.0], [5.0, 45.0, 25.0, 65.0]]),
]


def evaluate(metric, samples, batch=None):
    evaluator = Evaluator(metric)
    for start in range(0, len(samples), 2):
        evaluator.process(samples[start : start + 2], batch)
    return evaluator.evaluate(len(samples))


def expected_rates():
    return hit_rates(
        [
            box_hits(
                sample.regions,
                torch.tensor(KNOWN[name][0]),
                torch.tensor(KNOWN[name][1]),
                (80, 60),
                [torch.tensor(KNOWN[other][0])],
            )
            for name, other, sample in zip(
                KNOWN, reversed(KNOWN), SAMPLES, strict=True
            )
        ]
    )


def make_bare_sample(name, box, size):
    """One that nothing has resized or cut."""
    sample = make_sample(name, [box])
    sample.set_metainfo(
        dict(ori_shape=size, img_shape=size, scale_factor=(1.0, 1.0))
    )
    return sample


def test_other_images_are_laid_over_this_one(tmp_path):
    # The second image is twice as wide and half as high as the first.
    images = '1 x/a_1.jpg\n2 x/a_2.jpg\n'
    boxes = '1 0 0 9 9\n2 0 0 9 9\n'
    points = '1 1 10 20 1\n2 1 20 30 1\n'
    write_cub(tmp_path, images=images, bounding_boxes=boxes, part_locs=points)
    sizes = {'a_1': (80, 40), 'a_2': (40, 80)}
    own = {'a_1': (10, 20), 'a_2': (20, 30)}
    # Where the other's point is in this image, so that it is held and the
    # own is not.
    there = {'a_1': (10, 60), 'a_2': (20, 10)}
    for places, held, shuffled in ((own, 100, 0), (there, 0, 100)):
        samples = [
            make_bare_sample(
                name, [x - 1.0, y - 1.0, x + 1.0, y + 1.0], sizes[name]
            )
            for name, (x, y) in places.items()
        ]
        for sample, name in zip(samples, sizes, strict=True):
            sample.set_metainfo(dict(img_path=f'x/{name}.jpg'))
        rates = evaluate(PartHitRate(tmp_path), samples)
        assert rates['boxes/part'] == held
        assert rates['boxes/part_shuffled'] == shuffled


@pytest.mark.parametrize('count', [1, 2, 5, 17, 40])
def test_others_are_distinct_and_never_the_image_itself(count):
    images = [
        _Image(None, torch.tensor([[float(i), 0.0]]), None, (8, 8))
        for i in range(count)
    ]
    for i in range(count):
        others = [int(p[0, 0]) for p in _parts_elsewhere(images, i)]
        assert len(set(others)) == len(others) == min(16, count - 1)
        assert i not in others


def test_equals_pure_function_in_the_input(tmp_path):
    cfg = dict(type='mmc2f.PartHitRate', data_root=str(write_cub(tmp_path)))
    rates = evaluate(METRICS.build(cfg), SAMPLES)
    assert rates == {f'boxes/{k}': v for k, v in expected_rates().items()}
    # The beak of the second is cut off, so the box around it is empty.
    assert rates['boxes/part_8'] == 50
    assert rates['boxes/part_20'] == 50


def test_a_part_is_hit_where_it_is_seen(tmp_path):
    # White where the only visible part is, through a pipeline of the configs.
    write_cub(tmp_path, part_locs='1 1 31.5 20.5 1\n')
    pixels = np.zeros((60, 80, 3), np.uint8)
    pixels[19:22, 30:33] = 255
    path = tmp_path / 'images' / '001.Ant_bird' / 'a_1.jpg'
    path.parent.mkdir(parents=True)
    Image.fromarray(pixels).save(path, quality=95)
    steps = [
        dict(type='mmc2f.LoadImage'),
        dict(type='ResizeEdge', scale=256, interpolation='bicubic'),
        dict(type='CenterCrop', crop_size=224),
        dict(type='PackInputs'),
    ]
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        packed = Compose(steps)({'img_path': str(path)})
    sample = packed['data_samples']
    y, x = (packed['inputs'][0] > 128).nonzero().double().mean(dim=0) + 0.5
    near = torch.stack([x, y, x, y]) + torch.tensor([-2, -2, 2, 2])
    sample.regions = torch.stack([near + step for step in (0, 6, -6)])
    batch = {'inputs': [packed['inputs']]}
    rates = evaluate(PartHitRate(tmp_path), [sample], batch)
    assert rates['boxes/part_4'] == pytest.approx(100 / 3)


def test_chosen_parts(tmp_path):
    metric = PartHitRate(write_cub(tmp_path), parts=['tail'])
    rates = evaluate(metric, SAMPLES)
    assert rates['boxes/part'] == 25


def test_first_view_of_an_image_counts(tmp_path):
    views = [
        make_sample('a_1', [[8.0, 18.0, 16.0, 26.0]], view='high'),
        make_sample('a_1', [[50.0, 1.0, 58.0, 9.0]], view='low'),
    ]
    rates = evaluate(PartHitRate(write_cub(tmp_path)), views)
    assert rates['boxes/part'] == 100


def test_samples_without_regions_are_refused(tmp_path):
    sample = make_sample('a_1', [[0.0, 0.0, 1.0, 1.0]])
    del sample.regions
    with pytest.raises(ValueError, match=r'a_1\.jpg has no regions: .*CCFR'):
        evaluate(PartHitRate(write_cub(tmp_path)), [sample])


def test_an_input_of_another_size_than_noted_is_refused(tmp_path):
    metric = PartHitRate(write_cub(tmp_path))
    batch = {'inputs': [torch.zeros(3, 80, 60), torch.zeros(3, 60, 60)]}
    with pytest.raises(ValueError, match=r'a_2\.jpg is an input of \(60, 60'):
        evaluate(metric, SAMPLES, batch)
    batch['inputs'] = torch.zeros(2, 3, 80, 60)
    assert evaluate(metric, SAMPLES, batch)['boxes/part'] == 50
