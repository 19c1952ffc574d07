"""The configs that the docs propose for one's own images, trained."""

import json
import re

import pytest
import torch
from drawn_images import draw_folder
from mmengine.config import Config
from tiny_ccfr import CLASSES, TREE, write_images
from tool_helpers import ROOT, load_tool

from mmc2f.structures import LabelTree

train = load_tool('train.py')
# A tiny network, and no processes to load the images.
SMALL = [
    'model.backbone.model_name=test_efficientnet',
    'model.backbone.init_cfg=None',
    'train_dataloader.num_workers=0',
    'val_dataloader.num_workers=0',
    'batch_size=8',
]
BLOCK = r'<!-- own config: {} -->\n```python\n(.*?)```'


@pytest.fixture(autouse=True)
def _own_local_rank(monkeypatch):
    """The tools set it for good."""
    monkeypatch.setenv('LOCAL_RANK', '0')


@pytest.fixture
def own_config(tmp_path):
    """Writes a config of the docs, for images in ``tmp_path``."""
    write_images(tmp_path / 'images', splits=('train', 'val'))

    def write(name, **changes):
        page = (ROOT / 'docs/own_data.md').read_text(encoding='utf-8')
        (text,) = re.findall(BLOCK.format(name), page, flags=re.DOTALL)
        lines = [x for x in text.splitlines() if x and x[0] not in '#])']
        assert len(lines) <= 10
        text = text.replace("'ccfr_", f"'{ROOT}/configs/ccfr_")
        text = text.replace("'mlph_", f"'{ROOT}/configs/mlph_")
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / 'mine.py'
        path.write_text(text.replace('path/to/my_images', 'images'))
        return path

    return write


def run(config, tmp_path, monkeypatch, *options):
    monkeypatch.chdir(tmp_path)
    train.main([str(config), '--cfg-options', *SMALL, *options])
    work_dir = tmp_path / 'work_dirs' / 'mine'
    last = (work_dir / 'last_checkpoint').read_text()
    (log,) = work_dir.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    dumped = Config.fromfile(work_dir / 'mine.py')
    return torch.load(last, weights_only=True), lines, dumped


def test_ccfr(own_config, tmp_path, monkeypatch):
    checkpoint, lines, dumped = run(
        own_config('ccfr'),
        tmp_path,
        monkeypatch,
        'model.backbone.nodes=[blocks.3,bn2]',
        f'num_classes={len(CLASSES)}',
        'tree.type=mmc2f.ClassClustering',
        'tree.num_clusters=2',
        'stage_epochs=1,2,1',
    )
    assert checkpoint['meta']['epoch'] == 1 + 2 + 1
    weights = checkpoint['state_dict']
    assert len(weights['head.fc.weight']) == len(CLASSES)
    assert any('accuracy/top1' in line for line in lines)
    assert dumped.train_dataloader.dataset.data_root == 'images'


def test_what_init_has_written(tmp_path, monkeypatch):
    pytest.importorskip('imagehash', reason='install imagehash')
    from mmc2f.own_data import InitOptions, init_config

    classes = ('warm/ant', 'warm/bee', 'cold/cat', 'cold/dog')
    draw_folder(tmp_path / 'images', classes, 6)
    options = InitOptions(out=tmp_path, name='mine', threads=1)
    checkpoint, lines, dumped = run(
        init_config(tmp_path / 'images', options).files[0],
        tmp_path,
        monkeypatch,
        'model.backbone.nodes=[blocks.3,bn2]',
        'stage_epochs=1,1,1',
    )
    weights = checkpoint['state_dict']
    assert len(weights['global_head.fc.weight']) == 4
    assert len(weights['global_head.fc_parent.weight']) == 2
    assert any('accuracy/top1' in line for line in lines)
    assert dumped.data_root == f'{tmp_path}/images'


def test_mlph(own_config, tmp_path, monkeypatch):
    # As tools/build_hierarchy.py would write it.
    tree = LabelTree.build(dict(TREE, levels=['class', 'cluster']))
    tree.to_json(tmp_path / 'tree.json')
    checkpoint, lines, dumped = run(
        own_config('mlph', **{'num_classes = 24': 'num_classes = 4'}),
        tmp_path,
        monkeypatch,
        'model.backbone.nodes=[blocks.2,blocks.3,bn2]',
        'channels=8',
        'stage_epochs=1,2',
    )
    assert checkpoint['meta']['epoch'] == 1 + 2
    weights = checkpoint['state_dict']
    shapes = [len(weights[f'head.fcs.{i}.weight']) for i in range(2)]
    assert shapes == [4, 2]
    assert any('levels/low_cluster_top1' in line for line in lines)
    assert dumped.train_dataloader.dataset.tree == 'tree.json'
