"""The number of classes of data and model."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from tiny_ccfr import TREE, model_config, tiny_config
from torch import nn

from mmc2f.engine.hooks.class_count_hook import check_class_count
from mmc2f.models import HierarchicalHead
from mmc2f.structures import LabelTree

DATA = SimpleNamespace(metainfo={'classes': ('ant', 'bee', 'cat')})


class Head(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.num_classes = num_classes


class Classifier(nn.Module):
    def __init__(self, head, backbone=None):
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleDict({'fine': head})


def test_equal_counts_pass():
    check_class_count(Classifier(Head(3)), DATA)


def test_nested_head_is_named_with_both_numbers():
    message = (
        r'SimpleNamespace has 3 classes, but model\.heads\.fine \(Head\) is '
        'built for 4: set num_classes at the top of the config'
    )
    with pytest.raises(ValueError, match=message):
        check_class_count(Classifier(Head(4)), DATA)


def test_model_itself_is_compared():
    with pytest.raises(ValueError, match=r'but the model \(Head\) is built'):
        check_class_count(Head(2), DATA)


def test_wrapped_model_is_looked_through():
    with pytest.raises(ValueError, match=r'but model\.heads\.fine'):
        check_class_count(nn.DataParallel(Classifier(Head(2))), DATA)


def test_backbone_may_have_classes_of_its_own():
    backbone = nn.Sequential(Head(1000))
    check_class_count(Classifier(Head(3), backbone), DATA)


@pytest.mark.parametrize(
    'dataset', [object(), SimpleNamespace(metainfo={}), SimpleNamespace()]
)
def test_data_without_class_names_passes(dataset):
    check_class_count(Classifier(Head(4)), dataset)


@pytest.fixture
def cfg(images, tmp_path):
    """A model for five classes, and data of four."""
    cfg = tiny_config(images, tmp_path)
    cfg.model = model_config(tree=None, num_classes=5)
    cfg.default_hooks.checkpoint = None
    return cfg


@pytest.mark.parametrize('run', ['train', 'val', 'test'])
def test_runner_refuses_before_the_first_batch(cfg, run):
    runner = Runner.from_cfg(cfg)
    with pytest.raises(ValueError, match=r'4 classes, but .* built for 5'):
        getattr(runner, run)()
    if run == 'train':
        assert runner.iter == 0


def test_tree_of_other_classes_is_refused_by_the_head(images, tmp_path):
    cfg = tiny_config(images, tmp_path)
    cfg.model.global_head.num_classes = 5
    message = "head has 5 classes, but level 'class' of the hierarchy has 4"
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg)


def test_tree_in_another_order_is_refused(images, tmp_path):
    cfg = tiny_config(images, tmp_path)
    tree = copy.deepcopy(TREE)
    tree['classes'][0].reverse()
    cfg.model.global_head.tree = tree
    with pytest.raises(ValueError, match="'amber' is class 3: another order"):
        Runner.from_cfg(cfg).train()


def test_levels_of_data_and_head_are_compared():
    names = list('abc'), list('de')
    tree = LabelTree(('fine', 'coarse'), names, ((0, 0, 1),))
    head = HierarchicalHead(tree, 2)
    data = SimpleNamespace(
        metainfo=dict(
            classes=tuple('abc'),
            levels=['fine', 'coarse'],
            level_classes=[list('abc'), list('de')],
        )
    )
    check_class_count(Classifier(head), data)
    data.metainfo['level_classes'][1] = list('def')
    with pytest.raises(ValueError, match='serves the levels'):
        check_class_count(Classifier(head), data)


def test_parts_of_a_head_of_levels_have_counts_of_their_own():
    names = list('abc'), list('de')
    tree = LabelTree(('fine', 'coarse'), names, ((0, 0, 1),))
    # This loss remembers how many classes it met.
    loss = dict(type='mmpretrain.LabelSmoothLoss', label_smooth_val=0.1)
    model = Classifier(HierarchicalHead(tree, 2, loss=loss))
    samples = [DataSample().set_gt_label(1) for _ in range(2)]
    for level in (0, 1):
        for sample in samples:
            sample.set_field(level, 'level', field_type='metainfo')
        model.heads['fine'].loss((torch.randn(2, 2),), samples)
    assert model.heads['fine'].loss_module[1].num_classes == 2
    check_class_count(model, DATA)
