import copy

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmc2f.hierarchy import ClusterResult, build_class_hierarchy
from mmc2f.hierarchy.build import HierarchyReport, _set_pipeline
from mmc2f.structures import LabelTree

COLOURS = {
    'apple': (220, 30, 30),
    'cherry': (200, 10, 40),
    'leaf': (30, 200, 40),
    'moss': (20, 180, 20),
}


@pytest.fixture
def cfg(tmp_path):
    """A tiny classifier on a folder of nearly uniform images."""
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (tmp_path / name).mkdir()
        for index in range(3):
            noise = rng.integers(-10, 10, (16, 16, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255)
            image = Image.fromarray(pixels.astype(np.uint8))
            image.save(tmp_path / name / f'{index}.png')
    dataset = {'type': 'CustomDataset', 'data_root': str(tmp_path)}
    load, pack = {'type': 'LoadImageFromFile'}, {'type': 'PackInputs'}
    flip = {'type': 'RandomFlip', 'prob': 1.0, 'direction': 'horizontal'}
    return Config(
        {
            'default_scope': 'mmpretrain',
            'data_preprocessor': {
                'mean': [128.0, 128.0, 128.0],
                'std': [64.0, 64.0, 64.0],
                'to_rgb': True,
            },
            'model': {
                'type': 'ImageClassifier',
                'backbone': {
                    'type': 'ResNet',
                    'depth': 18,
                    'base_channels': 4,
                    'stem_channels': 4,
                    'num_stages': 4,
                },
                'neck': {'type': 'GlobalAveragePooling'},
                'head': {
                    'type': 'LinearClsHead',
                    'num_classes': 4,
                    'in_channels': 32,
                },
            },
            'train_dataloader': {
                'batch_size': 2,
                'num_workers': 0,
                'dataset': dict(dataset, pipeline=[load, flip, pack]),
                'sampler': {'type': 'DefaultSampler', 'shuffle': True},
            },
            'test_dataloader': {
                'batch_size': 5,
                'num_workers': 0,
                'drop_last': True,
                'dataset': dict(
                    dataset,
                    pipeline=[
                        load,
                        {'type': 'mmc2f.AddHierarchyLabels', 'tree': None},
                        pack,
                    ],
                ),
                'sampler': {'type': 'DefaultSampler', 'shuffle': False},
            },
        }
    )


def _known(tmp_path, names=tuple(COLOURS)):
    path = tmp_path / 'known.json'
    LabelTree(
        ['class', 'colour'], [names, ['red', 'green']], [[0, 0, 1, 1]]
    ).to_json(path)
    return path


def test_clusters_look_alike_classes(cfg, tmp_path):
    before = copy.deepcopy(cfg.to_dict())
    tree, report = build_class_hierarchy(
        cfg,
        clustering={'num_clusters': 2},
        device='cpu',
        reference=_known(tmp_path),
    )
    assert list(tree.names()) == list(COLOURS)
    assert tree.parent_of().tolist() == [0, 0, 1, 1]
    assert report.agreement == {'colour': pytest.approx({'ari': 1, 'nmi': 1})}
    for name, path in zip(COLOURS, report.examples, strict=True):
        assert f'/{name}/' in path
    assert cfg.to_dict() == before


def test_taxonomy_of_the_config_is_the_reference(cfg, tmp_path):
    cfg.taxonomy = str(_known(tmp_path))
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


def test_reference_of_other_classes_is_an_error(cfg, tmp_path):
    names = ('cherry', 'apple', 'leaf', 'moss')
    with pytest.raises(ValueError, match='another order'):
        build_class_hierarchy(
            cfg, device='cpu', reference=_known(tmp_path, names)
        )


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


def test_pipeline_reaches_wrapped_datasets():
    inner = [{'type': 'A', 'pipeline': ['old']}, {'type': 'B'}]
    wrapped = {
        'type': 'RepeatDataset',
        'dataset': {'type': 'ConcatDataset', 'datasets': inner},
    }
    _set_pipeline(wrapped, ['new'])
    assert [data['pipeline'] for data in inner] == [['new'], ['new']]
    assert 'pipeline' not in wrapped


def test_report_of_a_given_number_names_no_silhouette():
    report = HierarchyReport(ClusterResult(np.array([0, 1, 0]), 2))
    assert str(report) == '3 classes in 2 clusters'
