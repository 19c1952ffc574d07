"""A test whose sure images end after the global pass."""

import pytest
import torch
from mmengine.runner import Runner
from mmpretrain.registry import METRICS
from tiny_ccfr import CLASSES, IMAGES_PER_CLASS, own_default_scope, tiny_config

from mmc2f.apis import load_config
from mmc2f.apis.load_config import complete_config

NUM_IMAGES = IMAGES_PER_CLASS * len(CLASSES)


def with_cascade(cfg, threshold, **changes):
    rule = dict(type='mmc2f.ReRankPostProcessor', topn=3, topm=8, t_sf=1.0)
    cfg.custom_hooks = [dict(type='mmc2f.ReRankHook', post_processor=rule)]
    cfg.cascade = threshold
    cfg.update(changes)
    complete_config(cfg)
    cfg.experiment_name += '_'
    return cfg


@pytest.fixture
def cfg(images, tmp_path):
    return tiny_config(images, tmp_path)


def test_metrics_tell_how_many_went_on(images, tmp_path):
    """All, some and none, with one model: the share is that of the samples."""
    shares, sure = [], []
    for threshold in (1.0, None, 0.0):
        if threshold is None:
            threshold = float(torch.cat(sure).median())
        cfg = with_cascade(tiny_config(images, tmp_path), threshold)
        with own_default_scope():
            runner = Runner.from_cfg(cfg)
            seen = []
            predict = runner.model.predict

            def noting(*args, predict=predict, seen=seen, **kwargs):
                samples = predict(*args, **kwargs)
                seen.extend(s for s in samples if 'went_on' in s)
                return samples

            runner.model.predict = noting
            metrics = runner.test()
        # The gallery is of the whole model.
        assert len(seen) == NUM_IMAGES
        went_on = sum(s.went_on for s in seen)
        shares.append(metrics['cascade/went_on'])
        assert shares[-1] == pytest.approx(100 * went_on / NUM_IMAGES)
        assert 'rerank/rerank_top1' in metrics
        assert 'rerank/retrieval_top1' not in metrics
        assert metrics['accuracy/top1'] == metrics['rerank/rerank_top1']
        assert runner.model.cascade_threshold is None
        sure = [s.global_score.max()[None] for s in seen]
    assert shares[0] == 100 and shares[2] == 0
    assert 0 < shares[1] < 100


def test_auto_needs_a_tuned_threshold(cfg, tmp_path):
    checkpoint = tmp_path / 'epoch_1.pth'
    with own_default_scope():
        runner = Runner.from_cfg(with_cascade(cfg, 'auto'))
        torch.save({'state_dict': runner.model.state_dict()}, checkpoint)
        with pytest.raises(ValueError, match='there is none'):
            runner.test()
        cfg.load_from = str(checkpoint)
        with pytest.raises(FileNotFoundError, match='tune_rerank'):
            Runner.from_cfg(with_cascade(cfg, 'auto')).test()


def test_model_without_regions_is_refused(cfg):
    cfg.model = dict(
        type='mmc2f.EmbeddingClassifier',
        backbone=cfg.model.backbone,
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=len(CLASSES)),
    )
    cfg = with_cascade(cfg, 0.5)
    with own_default_scope():
        runner = Runner.from_cfg(cfg)
        with pytest.raises(ValueError, match='needs a model with a global'):
            runner.test()


def test_name_at_the_top_of_a_config_adds_the_hook(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text("_base_ = 'mmc2f::ccfr_fonts.py'\ncascade = 0.9\n")
    cfg = load_config(path)
    assert cfg.custom_hooks[-1] == dict(
        type='mmc2f.CascadeHook', threshold=0.9
    )
    again = load_config(path, {'cascade': 'auto'})
    hooks = [h for h in again.custom_hooks if h.type == 'mmc2f.CascadeHook']
    assert [h.threshold for h in hooks] == ['auto']


def test_part_that_was_reranked_needs_a_cascade():
    """Without ``went_on`` a lack of neighbours stays an error."""
    metric = METRICS.build(dict(type='mmc2f.ReRankMetric'))
    sample = dict(
        gt_label=torch.tensor([0]),
        pred_score=torch.tensor([0.7, 0.3]),
        coarse_score=torch.tensor([0.6, 0.4]),
    )
    found = dict(sample, retrieval_score=torch.tensor([1.0, 0.0]))
    metric.process(None, [found, sample])
    with pytest.raises(ValueError, match='Only part'):
        metric.evaluate(2)
    metric = METRICS.build(dict(type='mmc2f.ReRankMetric'))
    metric.process(
        None, [dict(found, went_on=True), dict(sample, went_on=False)]
    )
    assert metric.evaluate(2)['rerank/rerank_top1'] == 100
