import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmc2f.structures import LabelTree

COLOURS = {
    'apple': (220, 30, 30),
    'cherry': (200, 10, 40),
    'leaf': (30, 200, 40),
    'moss': (20, 180, 20),
}


@pytest.fixture
def image_folder(tmp_path):
    """Four classes of three nearly uniform images each."""
    folder = tmp_path / 'images'
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for index in range(3):
            noise = rng.integers(-10, 10, (16, 16, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255)
            image = Image.fromarray(pixels.astype(np.uint8))
            image.save(folder / name / f'{index}.png')
    return folder


@pytest.fixture
def known_tree(tmp_path):
    """File of the true hierarchy of the image folder."""
    path = tmp_path / 'known.json'
    LabelTree(
        ['class', 'colour'],
        [list(COLOURS), ['red', 'green']],
        [[0, 0, 1, 1]],
    ).to_json(path)
    return path


@pytest.fixture
def cfg(image_folder):
    """Config of a tiny classifier of the image folder."""
    dataset = {'type': 'CustomDataset', 'data_root': str(image_folder)}
    load, pack = {'type': 'LoadImageFromFile'}, {'type': 'PackInputs'}
    flip = {'type': 'RandomFlip', 'prob': 1.0, 'direction': 'horizontal'}
    levels = {'type': 'mmc2f.AddHierarchyLabels', 'tree': None}
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
                'dataset': {**dataset, 'pipeline': [load, flip, pack]},
                'sampler': {'type': 'DefaultSampler', 'shuffle': True},
            },
            'test_dataloader': {
                'batch_size': 5,
                'num_workers': 0,
                'drop_last': True,
                'dataset': {**dataset, 'pipeline': [load, levels, pack]},
                'sampler': {'type': 'DefaultSampler', 'shuffle': False},
            },
        }
    )
