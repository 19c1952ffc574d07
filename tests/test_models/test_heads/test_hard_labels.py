import pytest
import torch
from mmpretrain.structures import DataSample

from mmc2f.models.heads.multi_level_head import hard_labels


def test_labels_of_the_samples_in_order():
    samples = [DataSample().set_gt_label(label) for label in (4, 0, 2)]
    labels = hard_labels(samples, torch.device('cpu'))
    assert labels.tolist() == [4, 0, 2]
    assert labels.dtype == torch.int64


def test_labels_go_to_the_device():
    samples = [DataSample().set_gt_label(1)]
    assert hard_labels(samples, torch.device('meta')).is_meta


def test_mixed_labels_are_refused():
    samples = [DataSample().set_gt_label(label) for label in (1, 0)]
    samples[1].set_gt_score(torch.tensor([0.4, 0.6]))
    with pytest.raises(ValueError, match=r'one class per image.*Mixup'):
        hard_labels(samples, torch.device('cpu'))
