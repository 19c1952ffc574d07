"""Every stage and a re-ranked test, with the parts of mmdet and with ours."""

import json
from functools import cache
from math import isfinite

import pytest
import torch
from mmengine.runner import Runner
from tiny_ccfr import own_default_scope, tiny_config, write_images

pytestmark = pytest.mark.mmdet

PYRAMID = dict(in_channels=[48, 256], out_channels=8, num_outs=2)
NECKS = dict(
    FPN=dict(type='mmdet.FPN', **PYRAMID),
    PAFPN=dict(type='mmdet.PAFPN', **PYRAMID),
)
each_neck = pytest.mark.parametrize('name', NECKS)
# The anchors of the tiny config.
ANCHORS = dict(
    type='mmdet.AnchorGenerator',
    strides=[16, 32],
    base_sizes=[24, 40],
    scales=[1],
    ratios=[1.0],
    centers=[(8, 8), (16, 16)],
)
HOOK = dict(
    type='mmc2f.ReRankHook',
    # So short a training is sure of nothing: everything is re-ranked.
    post_processor=dict(
        type='mmc2f.ReRankPostProcessor', topn=3, topm=8, t_sf=1.0
    ),
)


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'))


def config(images, work_dir, neck=None):
    """With ours, or with all four parts of mmdet and this neck."""
    cfg = tiny_config(images, work_dir)
    cfg.custom_hooks += [HOOK, dict(type='mmc2f.PlainCheckpointHook')]
    if neck is not None:
        cfg.model.navigator.neck = neck
        cfg.model.navigator.anchors = ANCHORS
        cfg.model.nms.type = 'mmc2f.BatchedNMS'
        cfg.model.cropper.roi_layer = dict(type='RoIAlign')
    return cfg


@pytest.fixture(scope='module')
def train(images, tmp_path_factory):
    """A runner after all three stages with this neck, and its folder."""

    @cache
    def run(name):
        folder = tmp_path_factory.mktemp(name)
        with own_default_scope():
            runner = Runner.from_cfg(config(images, folder, NECKS[name]))
            runner.train()
        return runner, folder

    return run


def state_of(folder, epoch):
    file = folder / f'epoch_{epoch}.pth'
    return torch.load(file, weights_only=True)['state_dict']


@each_neck
def test_every_stage_trains(train, name):
    runner, folder = train(name)
    model = runner.model
    assert type(model.nms).__name__ == 'BatchedNMS'
    assert type(model.cropper.roi_layer).__module__.startswith('mmcv.ops')
    assert type(model.navigator.neck).__module__.startswith('mmdet.')
    logged = [
        json.loads(line)
        for file in folder.glob('*/vis_data/scalars.json')
        for line in file.read_text().splitlines()
    ]
    for loss in model.LOSSES:
        values = [line[n] for line in logged if (n := f'loss_{loss}') in line]
        assert values and all(map(isfinite, values))
    first, second, third = (state_of(folder, epoch) for epoch in (1, 2, 3))

    def changed(old, new, part):
        return any(
            not torch.equal(value, new[key])
            for key, value in old.items()
            if key.startswith(part)
        )

    assert changed(first, second, 'navigator.neck.')
    assert not changed(first, second, 'backbone.')
    assert changed(second, third, 'fusion.')


def run_test(cfg, checkpoint):
    cfg.load_from = str(checkpoint)
    metrics = Runner.from_cfg(cfg).test()
    return {k: v for k, v in metrics.items() if k.startswith('rerank/')}


@each_neck
def test_reranks(train, images, tmp_path, name):
    _, folder = train(name)
    cfg = config(images, tmp_path, NECKS[name])
    metrics = run_test(cfg, folder / 'epoch_3.pth')
    assert {'rerank/coarse_top1', 'rerank/rerank_top1'} <= set(metrics)


def test_a_checkpoint_of_mmdets_fpn_reranks_alike_with_ours(
    train, images, tmp_path
):
    _, folder = train('FPN')
    metrics = [
        run_test(config(images, tmp_path / kind, neck), folder / 'epoch_3.pth')
        for kind, neck in (('ours', None), ('theirs', NECKS['FPN']))
    ]
    assert metrics[0] == metrics[1]


def test_a_checkpoint_of_ours_answers_alike_with_mmdets(images, tmp_path):
    """To the rounding of the pyramid; without training, weights differ."""
    ours, theirs = (
        Runner.from_cfg(config(images, tmp_path / kind, neck))
        for kind, neck in (('ours', None), ('theirs', NECKS['FPN']))
    )
    theirs.model.load_state_dict(ours.model.state_dict())
    batch = next(iter(ours.test_dataloader))
    for one, other in zip(
        ours.model.eval().test_step(batch),
        theirs.model.eval().test_step(batch),
        strict=True,
    ):
        assert torch.equal(one.regions, other.regions)
        for name in ('embedding', 'coarse_score', 'region_scores'):
            torch.testing.assert_close(one.get(name), other.get(name))
