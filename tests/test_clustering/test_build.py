import copy

import numpy as np
import pytest
import torch

from mmc2f.clustering import ClusterResult, build_class_hierarchy
from mmc2f.clustering.build import HierarchyReport
from mmc2f.structures import LabelTree

CLASSES = ['apple', 'cherry', 'leaf', 'moss']


def test_clusters_look_alike_classes(cfg, known_tree):
    before = copy.deepcopy(cfg.to_dict())
    tree, report = build_class_hierarchy(
        cfg,
        clustering={'num_clusters': 2},
        device='cpu',
        reference=known_tree,
    )
    assert list(tree.names()) == CLASSES
    assert tree.parent_of().tolist() == [0, 0, 1, 1]
    assert report.agreement == {'colour': pytest.approx({'ari': 1, 'nmi': 1})}
    for name, path in zip(CLASSES, report.examples, strict=True):
        assert f'/{name}/' in path
    assert cfg.to_dict() == before


def test_taxonomy_of_the_config_is_the_reference(cfg, known_tree):
    cfg.taxonomy = str(known_tree)
    _, report = build_class_hierarchy(
        cfg, clustering={'candidates': [2, 3]}, device='cpu'
    )
    assert list(report.agreement) == ['colour']
    text = str(report)
    assert '4 classes in' in text
    assert 'of 2 to 3 clusters' in text
    assert 'agreement with colour: ARI' in text


def test_checkpoint_sets_the_weights(cfg, tmp_path):
    from mmpretrain.registry import MODELS

    weights = MODELS.build(
        dict(cfg.model.to_dict(), data_preprocessor=cfg.data_preprocessor)
    ).state_dict()
    # Equal features for every image: what is loaded must be what is used.
    weights = {name: torch.zeros_like(w) for name, w in weights.items()}
    checkpoint = tmp_path / 'zero.pth'
    torch.save({'state_dict': weights}, checkpoint)
    with pytest.raises(ValueError, match='all classes are equal'):
        build_class_hierarchy(cfg, str(checkpoint), device='cpu')


def test_reference_of_other_classes_is_an_error(cfg, known_tree):
    known = LabelTree.from_json(known_tree).to_dict()
    known['classes'][0] = known['classes'][0][::-1]
    with pytest.raises(ValueError, match='another order'):
        build_class_hierarchy(cfg, device='cpu', reference=known)


@pytest.mark.parametrize(
    'key', ['model', 'train_dataloader', 'test_dataloader']
)
def test_missing_part_of_the_config_is_named(cfg, key):
    cfg.pop(key)
    with pytest.raises(ValueError, match=f'config has no {key}'):
        build_class_hierarchy(cfg)


def test_dataset_without_class_names_is_an_error(cfg, tmp_path):
    annotations = tmp_path / 'list.txt'
    annotations.write_text('apple/0.png 0\nleaf/0.png 1\n')
    cfg.train_dataloader.dataset['ann_file'] = str(annotations)
    with pytest.raises(ValueError, match='CustomDataset names no classes'):
        build_class_hierarchy(cfg, device='cpu')


def test_report_of_a_given_number_names_no_silhouette():
    report = HierarchyReport(ClusterResult(np.array([0, 1, 0]), 2))
    assert str(report) == '3 classes in 2 clusters'
