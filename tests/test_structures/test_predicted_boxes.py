"""Regions as boxes with a class and a score."""

import math

import pytest
import torch
from mmpretrain.structures import DataSample

from mmc2f.structures import predicted_boxes

META = dict(
    img_path='bird.jpg',
    ori_shape=(100, 200),
    img_shape=(40, 60),
    scale_factor=(0.5, 0.8),
)


def make_sample(**meta):
    sample = DataSample(metainfo=dict(META, **meta))
    sample.set_pred_score(torch.tensor([0.1, 0.2, 0.7]))
    sample.set_pred_label(2)
    sample.regions = torch.tensor(
        [[10.0, 8.0, 30.0, 24.0], [-30.0, -40.0, 70.0, 80.0]]
    )
    sample.region_scores = torch.tensor([1.0, -2.0])
    return sample


def test_boxes_are_in_the_original_image_and_stay_in_it():
    boxes = predicted_boxes(make_sample())
    expected = [[60.0, 35.0, 100.0, 55.0], [0.0, 0.0, 180.0, 100.0]]
    torch.testing.assert_close(boxes.bboxes, torch.tensor(expected))


def test_class_is_the_images_and_score_is_both():
    boxes = predicted_boxes(make_sample())
    assert boxes.labels.tolist() == [2, 2]
    expected = [0.7 / (1 + math.exp(-1)), 0.7 / (1 + math.exp(2))]
    torch.testing.assert_close(boxes.scores, torch.tensor(expected))


def test_boxes_of_the_input_are_as_they_are():
    sample = make_sample(img_shape=None, scale_factor=None)
    boxes = predicted_boxes(sample, in_original=False)
    assert torch.equal(boxes.bboxes, sample.regions)
    with pytest.raises(ValueError, match=r'bird\.jpg has img_shape None'):
        predicted_boxes(sample)


@pytest.mark.parametrize('name', ['regions', 'region_scores', 'pred_score'])
def test_without_regions_it_says_where_they_come_from(name):
    sample = make_sample()
    delattr(sample, name)
    with pytest.raises(ValueError, match=rf"bird\.jpg has no '{name}'.*CCFR"):
        predicted_boxes(sample)
