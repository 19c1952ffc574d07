"""Training images that the weights do not see."""

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from tiny_ccfr import CLASSES, IMAGES_PER_CLASS, tiny_config, write_images
from tiny_views import views_config

from mmc2f.datasets import hold_out
from mmc2f.datasets.hold_out import apply_holdout, split_folds
from mmc2f.datasets.train_loader_in_test_mode import (
    train_loader_in_test_mode,
)

TOTAL = IMAGES_PER_CLASS * len(CLASSES)


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'))


def folder(images, **changes):
    return dict(type='mmc2f.ImageFolder', data_root=str(images), **changes)


def paths(dataset):
    return {dataset.get_data_info(i)['img_path'] for i in range(len(dataset))}


@pytest.mark.parametrize('num_folds', [2, 3, 10])
def test_folds_are_stratified_and_equal(num_folds):
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(20), rng.integers(1, 30, 20)))
    folds = split_folds(labels, num_folds, seed=3)
    counts = np.bincount(folds[folds >= 0], minlength=num_folds)
    assert counts.max() - counts.min() <= 1
    for label in range(20):
        own = folds[labels == label]
        if len(own) == 1:
            assert own.tolist() == [-1]
            continue
        counts = np.bincount(own, minlength=num_folds)
        assert counts.max() - counts.min() <= 1
        assert counts.max() < len(own)
    assert np.array_equal(folds, split_folds(labels, num_folds, seed=3))
    assert not np.array_equal(folds, split_folds(labels, num_folds, seed=4))


def test_parts_make_the_whole(images):
    options = dict(num_folds=4, seed=1)
    fit, held_out, whole = (
        hold_out(folder(images), part, **options)
        for part in ('fit', 'held_out', 'all')
    )
    assert len(held_out) == TOTAL // 4 and len(fit) == TOTAL - TOTAL // 4
    assert paths(fit) | paths(held_out) == paths(whole)
    assert not paths(fit) & paths(held_out)
    # One image of each of the four classes.
    assert sorted(held_out.get_gt_labels()) == [0, 1, 2, 3]
    assert held_out.metainfo['classes'] == CLASSES
    others = [
        paths(hold_out(folder(images), 'held_out', fold=fold, **options))
        for fold in range(4)
    ]
    assert sum(map(len, others)) == TOTAL
    assert set().union(*others) == paths(whole)


def test_pipeline_is_handed_on(images):
    pipeline = [dict(type='mmc2f.LoadImage'), dict(type='PackInputs')]
    dataset = hold_out(folder(images), pipeline=pipeline)
    assert 'inputs' in dataset[0]


@pytest.mark.parametrize(
    'changes, message',
    [
        ({'part': 'rest'}, 'part must be'),
        ({'num_folds': 1}, 'at least 2'),
        ({'fold': 10}, 'fold 10 of 10 has none'),
    ],
)
def test_parts_that_are_not_there(images, changes, message):
    with pytest.raises(ValueError, match=message):
        hold_out(folder(images), **changes)


def test_config_holds_images_out_of_the_training(images, tmp_path):
    cfg = tiny_config(images, tmp_path)
    cfg.holdout = dict(num_folds=2)
    apply_holdout(cfg)
    apply_holdout(cfg)
    loader = Runner.build_dataloader(cfg.train_dataloader)
    assert len(loader.dataset) == TOTAL // 2
    # The sampler is that of the config and knows the labels.
    assert len(loader.sampler.indices_of_class) == len(CLASSES)
    sizes = {
        part: len(train_loader_in_test_mode(cfg, part).dataset)
        for part in (None, 'fit', 'held_out', 'all')
    }
    half = TOTAL // 2
    assert sizes == {None: half, 'fit': half, 'held_out': half, 'all': TOTAL}


def test_another_fold_replaces_the_first(images, tmp_path):
    cfg = tiny_config(images, tmp_path)
    found = []
    for fold in range(2):
        cfg.holdout = dict(num_folds=2, fold=fold)
        apply_holdout(cfg)
        found.append(
            paths(Runner.build_dataloader(cfg.train_dataloader).dataset)
        )
    assert not found[0] & found[1]


def test_wrappers_are_looked_through(images, tmp_path):
    cfg = views_config(images, tmp_path)
    cfg.holdout = dict(num_folds=2)
    apply_holdout(cfg)
    assert cfg.train_dataloader.dataset.type == 'mmc2f.MultiResolutionDataset'
    assert len(train_loader_in_test_mode(cfg).dataset) == TOTAL // 2
    cfg = Config(dict(
        holdout=dict(num_folds=2),
        train_dataloader=dict(dataset=dict(
            type='ConcatDataset', datasets=[folder(images), folder(images)]
        )),
    ))  # fmt: skip
    apply_holdout(cfg)
    for inner in cfg.train_dataloader.dataset.datasets:
        assert inner.type == 'mmc2f.HoldOut'


def test_without_holdout_nothing_changes(images, tmp_path):
    cfg = tiny_config(images, tmp_path)
    before = cfg.train_dataloader.dataset.to_dict()
    for cfg.holdout in (None, {}):
        apply_holdout(cfg)
    assert cfg.train_dataloader.dataset.to_dict() == before
    assert len(train_loader_in_test_mode(cfg, 'all').dataset) == TOTAL
    with pytest.raises(ValueError, match='holds no training image out'):
        train_loader_in_test_mode(cfg, 'held_out')
