"""From a config, a checkpoint and validation images to thresholds."""

import json

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain import get_model
from tiny_ccfr import (
    CLASSES,
    IMAGES_PER_CLASS,
    TREE,
    loader_config,
    own_default_scope,
    tiny_config,
    write_images,
)
from tool_helpers import load_tool

from mmc2f.apis import load_config
from mmc2f.structures import LabelTree

calibrate = load_tool('calibrate_levels.py')
NUM_IMAGES = IMAGES_PER_CLASS * len(CLASSES)
VIEWS = [
    dict(name='high', level='class', resolution=None),
    dict(name='low', level='group', resolution=8),
]


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'))


@pytest.fixture(scope='module')
def plain(images, tmp_path_factory):
    """A plain classifier and its config, with a re-ranker that is of no use.

    Returns:
        The files of config and checkpoint.
    """
    folder = tmp_path_factory.mktemp('plain')
    cfg = tiny_config(images, folder)
    cfg.model = dict(
        type='ImageClassifier',
        backbone=dict(
            type='mmc2f.FeatureTap',
            model_name='test_efficientnet',
            nodes=('bn2',),
        ),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(
            type='LinearClsHead', num_classes=len(CLASSES), in_channels=256
        ),
    )
    cfg.custom_hooks = [dict(type='mmc2f.ReRankHook')]
    cfg.taxonomy = TREE
    inner = loader_config(images, 'val')
    cfg.val_dataloader = dict(
        inner,
        dataset=dict(
            type='mmc2f.MultiResolutionDataset',
            dataset=dict(inner['dataset'], pipeline=[]),
            tree=TREE,
            views=VIEWS,
            pipeline=[
                dict(type='mmc2f.LoadImage'),
                dict(type='mmc2f.DegradeResolution'),
                dict(
                    type='PackInputs',
                    algorithm_keys=('gt_label_levels',),
                    meta_keys=('img_path', 'level', 'view'),
                ),
            ],
        ),
    )
    with own_default_scope():
        init_default_scope('mmpretrain')
        torch.manual_seed(0)
        weights = get_model(cfg).state_dict()
    torch.save(dict(state_dict=weights), folder / 'weights.pth')
    cfg.dump(folder / 'own.py')
    return folder / 'own.py', folder / 'weights.pth'


def run(files, *options):
    return calibrate.main([*map(str, files), *map(str, options)])


def test_thresholds_curves_and_picture(plain, tmp_path, capsys):
    # A model that has learned nothing is right one time in four.
    thresholds = run(
        *(plain, '--target', 0.25, '--min-accepted', 1, '--out', tmp_path)
    )
    report = json.loads((tmp_path / 'levels.json').read_text())
    assert tuple(report['level_thresholds']) == thresholds
    assert len(thresholds) == 2 and thresholds[0] < 1
    assert report['levels'] == ['class', 'group']
    assert report['images'] == NUM_IMAGES
    # It is the validation images that are seen, in both views.
    assert {'high_coverage', 'low_coverage'} <= set(report['measured'])
    assert (tmp_path / 'levels.png').stat().st_size > 1000
    printed = capsys.readouterr().out
    line = printed.strip().splitlines()[-1]
    assert line == calibrate.config_text(thresholds)
    config = tmp_path / 'head.py'
    config.write_text(line)
    assert tuple(Config.fromfile(config).level_thresholds) == thresholds


def test_levels_that_never_answer_are_named(plain, tmp_path, capsys):
    # There are fewer images than a level must answer.
    thresholds = run(plain, '--min-accepted', 1000, '--out', tmp_path)
    assert thresholds == (None, None)
    printed = capsys.readouterr().out
    assert 'never answered: class, group - ' in printed
    assert 'level_thresholds = (None, None)' in printed


def test_default_folder_is_that_of_the_checkpoint(plain):
    run(plain, '--target', 0.2, '--each-view')
    report = json.loads((plain[1].parent / 'levels.json').read_text())
    assert report['each_view']


def merged(plain, *options, **changes):
    args = calibrate.parse_args([*map(str, plain), *options])
    cfg = load_config(plain[0], args.cfg_options)
    cfg.update(changes)
    file = plain[0].parent / 'levels.json'
    return calibrate.merge_args(cfg, args, file)


def test_options_reach_the_metric(plain):
    cfg = merged(
        *(plain, '--each-view', '--min-accepted', '7', '--target', '0.8'),
        *('--tree', 'fonts', '--cfg-options', 'val_dataloader.batch_size=3'),
    )
    metric = cfg.test_evaluator
    assert (metric.min_accepted, metric.target) == (7, 0.8)
    assert metric.each_view
    assert LabelTree.build(metric.tree.to_dict()) == LabelTree.build('fonts')
    assert cfg.test_dataloader.batch_size == 3
    assert cfg.custom_hooks == []


def test_hierarchy_is_needed(plain):
    with pytest.raises(SystemExit, match='name one with --tree'):
        merged(plain, taxonomy=None)


def test_validation_images_are_needed(plain):
    with pytest.raises(SystemExit, match='has no val_dataloader'):
        merged(plain, val_dataloader=None)


def test_one_level_in_a_config_is_a_tuple():
    assert calibrate.config_text([0.5]) == 'level_thresholds = (0.5,)'


@pytest.fixture(scope='module')
def hierarchical(plain, tmp_path_factory):
    """The same data, by a head with classifiers of both levels."""
    folder = tmp_path_factory.mktemp('hierarchical')
    cfg = Config.fromfile(plain[0])
    cfg.model.head = dict(
        type='mmc2f.HierarchicalHead',
        tree=TREE,
        in_channels=256,
        combine='marginal',
    )
    with own_default_scope():
        init_default_scope('mmpretrain')
        torch.manual_seed(0)
        weights = get_model(cfg).state_dict()
    torch.save(dict(state_dict=weights), folder / 'weights.pth')
    cfg.dump(folder / 'own.py')
    return folder / 'own.py', folder / 'weights.pth'


def test_weights_of_the_levels(hierarchical, tmp_path, capsys):
    weights = run(hierarchical, '--combine', '--out', tmp_path)
    report = json.loads((tmp_path / 'combination.json').read_text())
    assert tuple(report['level_weights']) == weights
    group = report['choices'][1]
    # Images of the view in which groups are asked for.
    assert group['images'] == NUM_IMAGES
    single = (group['own'], group['implied'], group['marginal'])
    assert group['accuracy'] >= max(single)
    config = tmp_path / 'head.py'
    lines = capsys.readouterr().out.strip().splitlines()[-3:]
    config.write_text('\n'.join(lines))
    cfg = Config.fromfile(config)
    assert cfg.combine == 'product'
    assert cfg.level_weights == weights
    assert len(cfg.level_sharpness) == 2
    assert not (tmp_path / 'levels.json').exists()


def test_combination_is_of_each_classifier_alone(hierarchical):
    cfg = merged(hierarchical, '--combine')
    assert cfg.model.head.combine == 'none'
    assert cfg.test_evaluator.type == 'mmc2f.LevelCombination'


def test_a_plain_head_has_nothing_to_combine(plain):
    with pytest.raises(SystemExit, match='LinearClsHead, which has one level'):
        merged(plain, '--combine')
