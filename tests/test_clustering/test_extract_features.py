import numpy as np
import pytest
import torch
from mmengine.dataset import default_collate
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import nn
from torch.utils.data import DataLoader

from mmc2f.clustering import extract_features
from mmc2f.clustering.extract_features import _merge_ranks


class _Rows(torch.utils.data.Dataset):
    """Images whose value is their index; labels count down."""

    def __init__(self, size, labels=None):
        self.labels = list(range(size))[::-1] if labels is None else labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        sample = DataSample(metainfo={'img_path': f'{index}.png'})
        if self.labels[index] is not None:
            sample.set_gt_label(self.labels[index])
        image = torch.full((3, 4, 4), index, dtype=torch.uint8)
        return {'inputs': image, 'data_samples': sample}


class _Backbone(nn.Module):
    """Two maps of the image, the last with the smaller extent."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.frozen = nn.Dropout(0.9)

    def forward(self, images):
        images = self.norm(self.frozen(images))
        return images, images[..., ::2, ::2].repeat(1, 2, 1, 1)


def _model(neck=None):
    model = ImageClassifier(
        backbone=_Backbone(),
        neck=neck,
        data_preprocessor={'type': 'mmpretrain.ClsDataPreprocessor'},
    )
    model.backbone.norm.eps = 0.0
    return model


def _loader(dataset, batch_size=3):
    return DataLoader(
        dataset, batch_size=batch_size, collate_fn=default_collate
    )


def test_last_map_is_averaged_in_dataset_order():
    features, labels = extract_features(_model(), _loader(_Rows(7)))
    expected = torch.arange(7.0)[:, None].expand(7, 6)
    torch.testing.assert_close(features, expected)
    assert features.dtype == torch.float32
    assert labels.tolist() == [6, 5, 4, 3, 2, 1, 0]


def test_stage_is_passed_on():
    seen = []

    class _Head(nn.Module):
        def pre_logits(self, maps):
            seen.append(len(maps))
            return maps[0].mean(dim=(-2, -1)) + 100

    model = _model()
    model.head = _Head()
    features, _ = extract_features(
        model, _loader(_Rows(2)), stage='pre_logits'
    )
    np.testing.assert_allclose(features, [[100.0] * 3, [101.0] * 3])
    assert seen == [2]


def test_modes_of_all_modules_come_back():
    model = _model().train()
    model.backbone.frozen.eval()
    extract_features(model, _loader(_Rows(2)))
    assert model.training
    assert model.backbone.norm.training
    assert not model.backbone.frozen.training


def test_modes_come_back_after_an_error():
    model = _model().train()
    with pytest.raises(AssertionError, match='Invalid output stage'):
        extract_features(model, _loader(_Rows(2)), stage='nowhere')
    assert model.training


def test_no_gradient_and_no_statistics_are_kept():
    model = _model().train()
    before = model.backbone.norm.running_mean.clone()
    features, _ = extract_features(model, _loader(_Rows(4)))
    assert not features.requires_grad
    torch.testing.assert_close(model.backbone.norm.running_mean, before)


def test_image_without_label_is_named():
    with pytest.raises(ValueError, match=r'1\.png has no label'):
        extract_features(_model(), _loader(_Rows(2, labels=[0, None])))


def test_image_with_two_labels_is_named():
    with pytest.raises(ValueError, match=r'0\.png has 2 labels'):
        extract_features(_model(), _loader(_Rows(1, labels=[[0, 1]])))


def test_empty_loader_is_an_error():
    with pytest.raises(ValueError, match='no image'):
        extract_features(_model(), _loader(_Rows(0)))


def test_ranks_are_merged_in_dataset_order():
    # Seven images dealt to three ranks; two repeats even out the shares.
    dealt = [torch.tensor([*range(7), 0, 1])[rank::3] for rank in range(3)]
    assert _merge_ranks(dealt, 7).tolist() == list(range(7))
