"""Predictions as mmdet takes and draws them."""

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample

from mmc2f.structures import predicted_boxes, to_det_data_sample

pytestmark = pytest.mark.mmdet


@pytest.fixture
def prediction():
    sample = DataSample(
        metainfo=dict(
            img_path='bird.jpg',
            ori_shape=(100, 200),
            img_shape=(40, 60),
            scale_factor=(0.5, 0.8),
            num_classes=3,
        )
    )
    sample.set_pred_score(torch.tensor([0.0, 0.05, 0.95]))
    sample.set_pred_label(2)
    sample.regions = torch.tensor([[10.0, 8.0, 30.0, 24.0]])
    sample.region_scores = torch.tensor([3.0])
    return sample


def test_fields_are_those_of_a_detector(prediction):
    from mmdet.structures import DetDataSample

    sample = to_det_data_sample(prediction)
    assert isinstance(sample, DetDataSample)
    assert sample.img_path == 'bird.jpg'
    assert sample.ori_shape == (100, 200)
    expected = predicted_boxes(prediction)
    for name in ('bboxes', 'scores', 'labels'):
        assert torch.equal(sample.pred_instances[name], expected[name])
    in_input = to_det_data_sample(prediction, in_original=False)
    assert torch.equal(in_input.pred_instances.bboxes, prediction.regions)


def test_mmdets_visualizer_draws_the_box(prediction):
    from mmdet.visualization import DetLocalVisualizer

    visualizer = DetLocalVisualizer(name='of_test_det_data_sample')
    visualizer.dataset_meta = dict(
        classes=('ant', 'bee', 'cat'), palette=[(255, 0, 0)] * 3
    )
    image = np.zeros((100, 200, 3), np.uint8)
    visualizer.add_datasample(
        'bird', image, to_det_data_sample(prediction), draw_gt=False
    )
    drawn = visualizer.get_image()
    assert drawn.shape == image.shape
    # The left and right edge at half height of (60, 35, 100, 55).
    red = np.flatnonzero(drawn[50, :, 0] > 100)
    assert {60, 100} <= set(red + 1) | set(red) | set(red - 1)
    assert red.min() >= 57 and red.max() <= 103
