"""MLPH from a config and a folder of images to the tables of its test."""

import json

import pytest
import torch
from tiny_ccfr import (
    CLASSES,
    IMAGES_PER_CLASS,
    TREE,
    own_default_scope,
    write_images,
)
from tool_helpers import load_tool, write_mlph_config

from mmc2f.structures import LabelTree

NUM_IMAGES = IMAGES_PER_CLASS * len(CLASSES)
NO_WORKERS = [
    '--cfg-options',
    'train_dataloader.num_workers=0',
    'val_dataloader.num_workers=0',
    'test_dataloader.num_workers=0',
]
train, test = load_tool('train.py'), load_tool('test.py')


@pytest.fixture(autouse=True)
def _own_local_rank(monkeypatch):
    """The tools set it for good."""
    monkeypatch.setenv('LOCAL_RANK', '0')


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp('mlph')
    images = write_images(folder / 'images', ('train', 'test'), size=128)
    tree = folder / 'tree.json'
    LabelTree.build(TREE).to_json(tree)
    return write_mlph_config(folder / 'own.py', images, tree)


@pytest.fixture(scope='module')
def work_dir(config, tmp_path_factory):
    """Of a training through both stages."""
    folder = tmp_path_factory.mktemp('work')
    with own_default_scope():
        train.main([str(config), '--work-dir', str(folder), *NO_WORKERS])
    return folder


@pytest.fixture
def run_test(config, work_dir, tmp_path):
    def run(*options, cfg_options=()):
        arguments = [str(config), str(work_dir / 'epoch_2.pth')]
        arguments += ['--work-dir', str(tmp_path / 'work')]
        arguments += [*map(str, options), *NO_WORKERS, *cfg_options]
        return test.main(arguments)

    return run


def weights(work_dir, epoch):
    path = work_dir / f'epoch_{epoch}.pth'
    return torch.load(path, weights_only=True)['state_dict']


def test_trains_both_stages_each_level_in_turn(work_dir):
    first, second = (weights(work_dir, epoch) for epoch in (1, 2))
    changed = {n for n in first if not first[n].equal(second[n])}
    assert any(name.startswith('backbone') for name in changed)
    # Sharp and blurred batches have other statistics: these rest.
    assert not any('running_' in name for name in changed)
    for part in ('neck.projections.2.weight', 'head.fcs.1.weight'):
        assert part in changed
    log = max(work_dir.glob('*/vis_data/scalars.json')).read_text()
    records = [json.loads(line) for line in log.splitlines()]
    metrics = next(r for r in records if 'levels/high_class_top1' in r)
    assert 'levels/low_group_top1' in metrics


def test_tests_every_level_in_every_resolution(run_test):
    metrics = run_test('--no-rerank')
    for view in ('high', 'low'):
        for level in ('class', 'group'):
            assert 0 <= metrics[f'levels/{view}_{level}_top1'] <= 100
        assert 0 <= metrics[f'levels/{view}_consistency'] <= 100
    assert 'finest/overall_coverage' in metrics
    assert metrics['rerank/coarse_top1'] == metrics['levels/high_class_top1']
    assert 'rerank/rerank_top1' not in metrics


def test_the_classifier_of_a_level_has_learned(run_test):
    options = ['model.head.combine=none']
    metrics = run_test('--no-rerank', cfg_options=options)
    # The squares of the tiny data are easily told apart by colour.
    assert metrics['levels/low_group_top1'] > 50


def test_reranks_the_finest_level(run_test, tmp_path, capsys):
    out = tmp_path / 'predictions.jsonl'
    metrics = run_test('--out', out)
    assert 0 <= metrics['rerank/rerank_top1'] <= 100
    assert 're-ranked' in capsys.readouterr().out
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(records) == 2 * NUM_IMAGES
    high, low = records[0], records[-1]
    assert (high['view'], low['view']) == ('high', 'low')
    assert high['truth'] in CLASSES
    assert len(high['neighbours']) == NUM_IMAGES
    assert low['truth'] in ('warm', 'cold')
    assert low['resolution'] == 16
    assert 'neighbours' not in low
