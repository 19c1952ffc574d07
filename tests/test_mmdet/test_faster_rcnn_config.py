"""Faster R-CNN starts from a backbone that was trained here."""

import re
import runpy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs/mmdet/faster_rcnn_r50_ccfr.py'
TOOL = ROOT / 'tools/model_converters/export_backbone.py'


@pytest.fixture
def build():
    """Builds a model of mmdet."""
    from mmdet.registry import MODELS

    with DefaultScope.overwrite_default_scope('mmdet'):
        yield MODELS.build


def export(folder, depth):
    """Checkpoint of a classifier with this ResNet, and its backbone."""
    from mmpretrain.models.backbones import ResNet

    # Two maps, as CCFR's backbone returns.
    network = ResNet(depth=depth, out_indices=(2, 3))
    weights = {f'backbone.{k}': v for k, v in network.state_dict().items()}
    torch.save({'state_dict': weights}, folder / 'classifier.pth')
    out = folder / 'backbone.pth'
    main = runpy.run_path(str(TOOL))['main']
    main([str(folder / 'classifier.pth'), str(out)])
    return network.state_dict(), out


@pytest.mark.mmdet
def test_weights_of_resnet50_fit_without_a_gap(tmp_path, build):
    cfg = Config.fromfile(CONFIG)
    weights, _ = export(tmp_path, depth=50)
    model = build(cfg.model)
    fit = model.backbone.load_state_dict(weights, strict=True)
    assert not fit.missing_keys and not fit.unexpected_keys


@pytest.fixture
def small(tmp_path):
    """The config with ResNet-18, and the weights that it starts from."""
    cfg = Config.fromfile(CONFIG)
    weights, out = export(tmp_path, depth=18)
    cfg.model.backbone.depth = 18
    cfg.model.backbone.init_cfg.checkpoint = str(out)
    cfg.model.neck.update(in_channels=[64, 128, 256, 512], out_channels=16)
    cfg.model.rpn_head.update(in_channels=16, feat_channels=16)
    cfg.model.roi_head.bbox_roi_extractor.out_channels = 16
    cfg.model.roi_head.bbox_head.update(in_channels=16, fc_out_channels=16)
    return cfg, weights


@pytest.mark.mmdet
def test_it_starts_from_the_exported_weights(small, build):
    cfg, weights = small
    model = build(cfg.model)
    model.init_weights()
    started = model.backbone.state_dict()
    assert started.keys() == weights.keys()
    for name, value in weights.items():
        assert torch.equal(started[name], value), name


@pytest.mark.mmdet
def test_it_computes_its_losses_and_finds_boxes(small, build):
    from mmdet.structures import DetDataSample

    model = build(small[0].model)
    sample = DetDataSample(
        metainfo=dict(
            img_shape=(64, 64), ori_shape=(64, 64), scale_factor=(1.0, 1.0)
        )
    )
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[8.0, 8.0, 40.0, 40.0]]),
        labels=torch.tensor([0]),
    )
    image = torch.randint(256, (3, 64, 64), dtype=torch.uint8)
    data = dict(inputs=[image], data_samples=[sample])
    losses = model(**model.data_preprocessor(data, True), mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert total.isfinite()
    model.eval()
    with torch.no_grad():
        (found,) = model.test_step(data)
    assert found.pred_instances.bboxes.shape[1] == 4


def test_epochs_and_files_follow_from_the_top(tmp_path, monkeypatch):
    text = CONFIG.read_text(encoding='utf-8')
    text = re.sub(r'max_epochs = 12', 'max_epochs = 24', text)
    path = tmp_path / 'longer.py'
    path.write_text(text, encoding='utf-8')
    monkeypatch.setenv('MMC2F_DATA', 'somewhere')
    monkeypatch.setenv('MMC2F_CHECKPOINTS', 'elsewhere')
    cfg = Config.fromfile(path)
    assert cfg.train_cfg.max_epochs == cfg.param_scheduler[1].end == 24
    assert cfg.param_scheduler[1].milestones == [16, 22]
    assert cfg.model.roi_head.bbox_head.num_classes == len(cfg.classes)
    assert cfg.train_dataloader.dataset.data_root == 'somewhere/birds'
    assert cfg.val_evaluator.ann_file.startswith('somewhere/birds/annotat')
    weights = cfg.model.backbone.init_cfg.checkpoint
    assert weights == 'elsewhere/resnet50_ccfr.pth'
