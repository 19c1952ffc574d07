import numpy as np
import pytest
import torch
from mmpretrain.datasets import PackInputs
from mmpretrain.registry import TRANSFORMS

from mmc2f.datasets import AddHierarchyLabels
from mmc2f.structures import LabelTree

TREE = LabelTree(
    ['x', 'y', 'z'],
    [['a', 'b', 'c'], ['p', 'q'], ['r']],
    [[0, 1, 1], [0, 0]],
)


@pytest.mark.parametrize('label', [2, np.int64(2), torch.tensor(2)])
def test_all_levels(label):
    results = AddHierarchyLabels(TREE)({'gt_label': label})
    assert results['gt_label_levels'].tolist() == [2, 1, 0]
    assert results['gt_label_levels'].dtype == torch.int64


def test_chosen_levels_in_their_order():
    results = AddHierarchyLabels(TREE, levels=['z', 1])({'gt_label': 2})
    assert results['gt_label_levels'].tolist() == [0, 1]


def test_samples_do_not_share_memory():
    transform = AddHierarchyLabels(TREE)
    transform({'gt_label': 0})['gt_label_levels'].fill_(7)
    assert transform({'gt_label': 0})['gt_label_levels'].tolist() == [0, 0, 0]


def test_built_from_a_config_and_packed():
    transform = TRANSFORMS.build(
        {'type': 'mmc2f.AddHierarchyLabels', 'tree': 'grocery'}
    )
    pack = PackInputs(algorithm_keys=('gt_label_levels',))
    sample = pack(transform({'gt_label': 80}))['data_samples']
    assert sample.gt_label.tolist() == [80]
    assert sample.gt_label_levels.tolist() == [80, 42, 2]
    assert 'fine: 81' in repr(transform)


@pytest.mark.parametrize('label', [3, -1])
def test_label_outside_the_tree_names_the_image(label):
    with pytest.raises(ValueError, match=rf'p\.jpg.*{label}.*has 3 classes'):
        AddHierarchyLabels(TREE)({'gt_label': label, 'img_path': 'p.jpg'})


@pytest.mark.parametrize('results', [{}, {'gt_label': [0, 1]}])
def test_no_single_label(results):
    with pytest.raises(ValueError, match='needs one class'):
        AddHierarchyLabels(TREE)(results)


def test_wrong_levels():
    with pytest.raises(ValueError, match='no level'):
        AddHierarchyLabels(TREE, levels=['genus'])
    with pytest.raises(ValueError, match='empty'):
        AddHierarchyLabels(TREE, levels=[])
