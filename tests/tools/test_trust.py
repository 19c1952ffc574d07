"""No tool runs code from the weights it is given, unless told to."""

import os

import pytest
import torch
from crafted_files import write_crafted
from mmengine.registry import DefaultScope
from tiny_ccfr import TREE, own_default_scope, tiny_config, write_images
from tool_helpers import load_tool

from mmc2f.apis.command_line import run_tool
from mmc2f.registry import MODELS
from mmc2f.weights import UntrustedFileError

CLUSTERING = dict(type='mmc2f.ClassClustering', num_clusters=2)


@pytest.fixture(autouse=True)
def _own_local_rank(monkeypatch):
    """The tools set it for good."""
    monkeypatch.setenv('LOCAL_RANK', '0')


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'))


@pytest.fixture
def marker(tmp_path):
    return tmp_path / 'marker'


@pytest.fixture
def cfg(images, tmp_path):
    cfg = tiny_config(images, tmp_path / 'work')
    cfg.taxonomy = TREE
    return cfg


@pytest.fixture
def crafted(cfg, tmp_path, marker):
    """Weights that fit, and a program."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        weights = MODELS.build(cfg.model.to_dict()).state_dict()
    return str(write_crafted(tmp_path / 'epoch_1.pth', marker, weights))


def run(tool, cfg, tmp_path, *args):
    file = tmp_path / 'own.py'
    cfg.dump(file)
    with own_default_scope():
        load_tool(f'{tool}.py').main([str(file), *map(str, args)])


@pytest.mark.parametrize(
    'tool',
    ['test', 'build_hierarchy', 'calibrate_levels', 'tune_rerank']
    + ['search_resolution'],
)
def test_checkpoint_of_a_tool(tool, cfg, crafted, tmp_path, marker):
    if tool == 'tune_rerank':
        cfg.holdout = dict(num_folds=2)
    with pytest.raises(UntrustedFileError, match=r'epoch_1\.pth is refused'):
        run(tool, cfg, tmp_path, crafted)
    assert not marker.exists()


def test_exported_checkpoint(crafted, tmp_path, marker):
    tool = load_tool('model_converters/export_backbone.py')
    out = tmp_path / 'out.pth'
    with pytest.raises(SystemExit, match=r'epoch_1\.pth is refused'):
        tool.main([crafted, str(out)])
    assert not marker.exists()
    tool.main([crafted, str(out), '--trust'])
    assert marker.exists()
    # What it writes is free of it: the way to clean a checkpoint.
    torch.load(out, weights_only=True)


@pytest.mark.parametrize('tree', ['known', 'clustered'])
@pytest.mark.parametrize(
    'way', ['--resume', 'last_checkpoint', 'load_from', 'init_cfg', 'timm']
)
def test_start_of_a_training(way, tree, cfg, crafted, tmp_path, marker):
    if tree == 'clustered':
        cfg.model.global_head.tree = CLUSTERING
    args = []
    if way == '--resume':
        args = ['--resume', crafted]
    elif way == 'last_checkpoint':
        (tmp_path / 'work').mkdir()
        (tmp_path / 'work' / 'last_checkpoint').write_text(crafted)
        args = ['--resume']
    elif way == 'load_from':
        args = ['--cfg-options', f'load_from={crafted}']
    elif way == 'init_cfg':
        cfg.model.backbone.init_cfg = dict(
            type='Pretrained', checkpoint=crafted, prefix='backbone'
        )
    else:
        cfg.model.backbone.checkpoint_path = crafted
    with pytest.raises(UntrustedFileError, match=r'epoch_1\.pth is refused'):
        run('train', cfg, tmp_path, *args)
    assert not marker.exists()


def test_trust_is_obeyed(cfg, crafted, tmp_path, marker):
    cfg.test_evaluator = cfg.test_evaluator[:1]
    run('test', cfg, tmp_path, crafted, '--trust')
    assert marker.exists()
    assert 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in os.environ


def test_checkpoints_are_plain_whatever_the_config_says(cfg, tmp_path):
    cfg.train_cfg.max_epochs = 1
    cfg.param_scheduler = []
    cfg.custom_hooks = [cfg.custom_hooks[0]]
    run('train', cfg, tmp_path, '--no-validate')
    torch.load(tmp_path / 'work' / 'epoch_1.pth', weights_only=True)


def test_user_gets_a_sentence_and_an_exit_code(monkeypatch):
    def main():
        raise OSError('image a.jpg cannot be read')

    monkeypatch.setattr('sys.argv', ['tools/test.py'])
    monkeypatch.delenv('MMC2F_TRACEBACK', raising=False)
    with pytest.raises(SystemExit) as caught:
        run_tool(main)
    assert caught.value.code == 'test.py: error: image a.jpg cannot be read'
    monkeypatch.setenv('MMC2F_TRACEBACK', '1')
    with pytest.raises(OSError, match='cannot be read'):
        run_tool(main)


def test_errors_of_our_own_are_for_the_user_and_others_are_not(tmp_path):
    from mmc2f.weights import read_checkpoint

    (tmp_path / 'a.pth').touch()
    with pytest.raises(SystemExit, match=r'a\.pth is empty'):
        run_tool(lambda: read_checkpoint(tmp_path / 'a.pth'))
    with pytest.raises(ValueError, match='invalid literal'):
        run_tool(lambda: int('x'))


class Faulty(torch.utils.data.Dataset):
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise self.error


def test_error_of_a_worker_is_its_sentence():
    def load(error):
        list(torch.utils.data.DataLoader(Faulty(error), num_workers=1))

    with pytest.raises(SystemExit, match=r'error: image a\.jpg'):
        run_tool(lambda: load(OSError('image a.jpg is damaged')))
    with pytest.raises(KeyError, match='in DataLoader worker'):
        run_tool(lambda: load(KeyError('bug')))
