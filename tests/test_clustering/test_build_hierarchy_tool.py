import runpy
from argparse import ArgumentTypeError
from pathlib import Path

import pytest
from mmengine.config import Config
from PIL import Image

from mmc2f.structures import LabelTree

TOOL = Path(__file__).parents[2] / 'tools' / 'build_hierarchy.py'


@pytest.fixture(scope='module')
def tool():
    return runpy.run_path(str(TOOL))


def test_writes_tree_and_picture_and_tells(
    tool, cfg, known_tree, tmp_path, capsys
):
    config, out = tmp_path / 'config.py', tmp_path / 'new' / 'tree.json'
    cfg.dump(config)
    arguments = [str(config), '--out', str(out), '--device', 'cpu']
    arguments += ['--num-clusters', '2', '--reference', str(known_tree)]
    tool['main'](arguments)
    assert LabelTree.from_json(out).parent_of(0).tolist() == [0, 0, 1, 1]
    with Image.open(out.with_suffix('.png')) as sheet:
        assert sheet.mode == 'RGB'
    told = capsys.readouterr().out
    assert '4 classes in 2 clusters' in told
    assert 'agreement with colour: ARI 1.000, NMI 1.000' in told


def test_options_change_the_clustering_of_the_config(tool):
    tree = {'type': 'mmc2f.ClassClustering', 'num_clusters': 5, 'seed': 3}
    head = {'type': 'mmc2f.MultiLevelHead', 'tree': tree}
    cfg = Config({'model': {'head': head}})
    args = tool['parse_args'](['config.py'])
    assert tool['choose_clustering'](cfg, args) == tree
    args = tool['parse_args'](['config.py', '--num-clusters', '7'])
    changed = tool['choose_clustering'](cfg, args)
    assert changed == tree | {'num_clusters': 7}
    cfg.model.head.tree = 'grocery'
    assert tool['choose_clustering'](cfg, args) == {'num_clusters': 7}


def test_number_of_clusters_is_checked(tool):
    assert tool['number_of_clusters']('silhouette') == 'silhouette'
    with pytest.raises(ArgumentTypeError, match='neither a number'):
        tool['number_of_clusters']('some')
