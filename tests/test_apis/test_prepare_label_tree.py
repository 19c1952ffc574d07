"""A training's label tree: clustered, or that of its checkpoint."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from tiny_ccfr import CLASSES, model_config, tiny_config, write_images

from mmc2f.apis import prepare_label_tree
from mmc2f.apis.label_tree import multi_level_head, tree_of_checkpoint
from mmc2f.models import MultiLevelHead
from mmc2f.structures import LabelTree

CLUSTERING = dict(type='mmc2f.ClassClustering', num_clusters=2)
# No clustering numbers its clusters so.
TREE = LabelTree.from_clusters(CLASSES, [1, 0, 1, 0])


@pytest.fixture
def cfg(tmp_path):
    cfg = tiny_config(write_images(tmp_path / 'images'), tmp_path / 'work')
    cfg.model.global_head.tree = CLUSTERING
    return cfg


def save_checkpoint(path, tree, prefix='global_head.'):
    """Only what a head that has this tree adds to a checkpoint."""
    head = MultiLevelHead(len(CLASSES), 256, tree=tree)
    weights = {prefix + k: v for k, v in head.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({'state_dict': weights, 'meta': {}}, path)
    return path


def test_clustering_is_replaced_by_its_tree(cfg, tmp_path):
    prepare_label_tree(cfg)
    tree = LabelTree.build(cfg.model.global_head.tree.to_dict())
    assert tree.names() == CLASSES
    assert tree.num_classes(1) == 2
    assert LabelTree.from_json(tmp_path / 'work' / 'label_tree.json') == tree
    assert Runner.from_cfg(cfg).model.global_head.tree == tree
    # Else a dump of the config would cluster once more.
    dumped = Config.fromstring(cfg.pretty_text, '.py')
    assert LabelTree.build(dumped.model.global_head.tree.to_dict()) == tree


def test_head_of_a_plain_classifier_is_found(cfg):
    head = cfg.model.global_head
    cfg.model = dict(
        type='ImageClassifier',
        backbone=dict(cfg.model.backbone, nodes=('bn2',)),
        neck=dict(type='GlobalAveragePooling'),
        head=head,
        data_preprocessor=cfg.model.data_preprocessor,
    )
    prepare_label_tree(cfg)
    assert LabelTree.build(cfg.model.head.tree.to_dict()).num_classes(1) == 2


@pytest.mark.parametrize(
    'name', ['mmc2f.MultiLevelHead', 'MultiLevelHead', MultiLevelHead]
)
def test_head_is_known_by_each_of_its_names(name):
    head = dict(type=name, tree=CLUSTERING)
    cfg = Config(dict(model=dict(global_head=head)))
    assert multi_level_head(cfg).tree == CLUSTERING


@pytest.mark.parametrize('tree', [None, 'fonts', TREE.to_dict()])
def test_tree_that_is_named_stays(cfg, tmp_path, tree):
    cfg.model.global_head.tree = tree
    before = copy.deepcopy(cfg.to_dict())
    prepare_label_tree(cfg)
    assert cfg.to_dict() == before
    assert not (tmp_path / 'work').exists()


def test_classifier_without_a_tree_stays(tmp_path):
    head = dict(type='LinearClsHead', num_classes=4, in_channels=32)
    cfg = Config(dict(model=dict(type='ImageClassifier', head=head)))
    before = copy.deepcopy(cfg.to_dict())
    prepare_label_tree(cfg)
    assert cfg.to_dict() == before


def test_resumed_training_keeps_the_tree_of_its_checkpoint(cfg, tmp_path):
    cfg.resume = True
    path = save_checkpoint(tmp_path / 'elsewhere' / 'epoch_1.pth', TREE)
    cfg.load_from = str(path)
    prepare_label_tree(cfg)
    assert LabelTree.build(cfg.model.global_head.tree.to_dict()) == TREE


def test_latest_checkpoint_of_the_work_dir_is_found(cfg, tmp_path):
    cfg.resume = True
    work_dir = tmp_path / 'work'
    path = save_checkpoint(work_dir / 'epoch_1.pth', TREE)
    (work_dir / 'last_checkpoint').write_text(str(path))
    prepare_label_tree(cfg)
    assert LabelTree.build(cfg.model.global_head.tree.to_dict()) == TREE


def test_a_checkpoint_of_another_model_is_not_clustered(cfg, tmp_path):
    cfg.load_from = str(tmp_path / 'plain.pth')
    torch.save({'state_dict': {'fc.weight': torch.ones(1)}}, cfg.load_from)
    for cfg.resume in (False, True):
        with pytest.raises(ValueError, match=r'plain\.pth.*take the config'):
            prepare_label_tree(cfg)


def test_resumed_training_without_a_tree_clusters(cfg):
    cfg.resume = True
    prepare_label_tree(cfg)
    tree = LabelTree.build(cfg.model.global_head.tree.to_dict())
    assert tree.levels == ('class', 'cluster')
    assert tree != TREE


def test_starting_weights_are_clustered_and_not_obeyed(cfg, tmp_path):
    # Without --resume, load_from is where to start: its tree is not kept.
    cfg.model.global_head.tree = TREE.to_dict()
    start = Runner.from_cfg(cfg).model
    cfg.model.global_head.tree = CLUSTERING
    cfg.load_from = str(tmp_path / 'start.pth')
    torch.save({'state_dict': start.state_dict(), 'meta': {}}, cfg.load_from)
    prepare_label_tree(cfg)
    assert LabelTree.build(cfg.model.global_head.tree.to_dict()) != TREE


@pytest.mark.parametrize('prefix', ['', 'head.', 'module.global_head.'])
def test_tree_is_read_from_any_place_in_a_checkpoint(tmp_path, prefix):
    path = save_checkpoint(tmp_path / 'epoch_1.pth', TREE, prefix)
    assert tree_of_checkpoint(str(path)) == TREE


def test_checkpoint_of_bare_weights_and_without_a_tree(tmp_path):
    path = tmp_path / 'bare.pth'
    torch.save(MultiLevelHead(4, 256, tree=TREE).state_dict(), path)
    assert tree_of_checkpoint(str(path)) == TREE
    torch.save(MultiLevelHead(4, 256).state_dict(), path)
    assert tree_of_checkpoint(str(path)) is None
    assert tree_of_checkpoint(None) is None


def test_head_of_other_classes_than_the_data(cfg):
    cfg.model = model_config(tree=CLUSTERING, num_classes=5)
    message = 'classes are 4, but the multi-level head is built for 5: set'
    with pytest.raises(ValueError, match=message):
        prepare_label_tree(cfg)


def test_tree_of_the_whole_model_is_clustered_too(cfg):
    del cfg.model.global_head.tree
    cfg.model.tree = cfg.tree = CLUSTERING
    prepare_label_tree(cfg)
    tree = LabelTree.build(cfg.model.tree.to_dict())
    assert tree.num_classes(1) == 2
    # A dump of the config would else begin with the clustering.
    assert cfg.tree == cfg.model.tree
    assert Runner.from_cfg(cfg).model.global_head.tree == tree
