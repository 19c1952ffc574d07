"""Faster R-CNN starts from a backbone that was trained here."""

import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from PIL import Image

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


def write_coco(folder):
    """Four pictures with a bright bird each, for training and validation."""
    (folder / 'images').mkdir(parents=True)
    (folder / 'annotations').mkdir()
    images, boxes = [], []
    for i in range(1, 5):
        pixels = np.zeros((64, 96, 3), np.uint8)
        pixels[8:48, 4 * i : 4 * i + 40] = 255
        name = f'{i}.png'
        Image.fromarray(pixels).save(folder / 'images' / name)
        images.append(dict(id=i, file_name=name, width=96, height=64))
        box = dict(id=i, image_id=i, category_id=1, iscrowd=0, area=1600)
        boxes.append(dict(box, bbox=[4 * i, 8, 40, 40]))
    content = dict(
        images=images,
        annotations=boxes,
        categories=[dict(id=1, name='bird')],
    )
    for split in ('train', 'val'):
        path = folder / 'annotations' / f'{split}.json'
        path.write_text(json.dumps(content), encoding='utf-8')


@pytest.mark.mmdet
def test_it_trains_and_validates(small, tmp_path):
    write_coco(tmp_path / 'birds')
    cfg, weights = small
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.num_workers, loader.persistent_workers = 0, False
        loader.dataset.data_root = str(tmp_path / 'birds')
        for step in loader.dataset.pipeline:
            if step.type == 'Resize':
                step.scale = (96, 64)
    boxes = str(tmp_path / 'birds' / cfg.val_ann_file)
    cfg.val_evaluator.ann_file = cfg.test_evaluator.ann_file = boxes
    cfg.train_cfg.max_epochs = 1
    cfg.work_dir, cfg.log_level = str(tmp_path / 'work'), 'WARNING'
    cfg.experiment_name = 'faster_rcnn_test'
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert 'val/coco/bbox_mAP' in runner.message_hub.log_scalars
    trained = runner.model.backbone.state_dict()
    # The first stage is frozen, the last is not.
    assert torch.equal(trained['conv1.weight'], weights['conv1.weight'])
    last = 'layer4.1.conv2.weight'
    assert not torch.equal(trained[last], weights[last])
    assert (tmp_path / 'work' / 'epoch_1.pth').is_file()


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
