"""Images in two classes or in two splits, told before a training."""

import shutil
from types import SimpleNamespace

import pytest
from mmengine.config import ConfigDict
from tiny_ccfr import CLASSES, loader_config

from mmc2f.datasets import ImageFolder
from mmc2f.engine import DuplicateImagesHook


@pytest.fixture
def data(images, tmp_path):
    return shutil.copytree(images, tmp_path / 'images')


def run(data, strict=False, val='val', test='test'):
    """Warnings of the hook."""
    warnings = []

    def loader(split):
        dataset = ImageFolder(str(data), split=split)
        return SimpleNamespace(dataset=dataset)

    splits = {'train': 'train', 'val': val, 'test': test}
    cfg = ConfigDict(
        {
            f'{name}_dataloader': loader_config(data, split)
            for name, split in splits.items()
            if split
        }
    )
    runner = SimpleNamespace(
        cfg=cfg,
        train_dataloader=loader('train'),
        val_loop=val and SimpleNamespace(dataloader=loader(val)),
        logger=SimpleNamespace(warning=warnings.append, info=warnings.append),
    )
    DuplicateImagesHook(strict).before_train(runner)
    return warnings


def copy(data, one, other):
    shutil.copy(data / one, data / other)


def test_data_without_duplicates(data):
    assert run(data) == []
    assert run(data, strict=True) == []


def test_both_kinds_are_named(data):
    amber, blue = CLASSES[:2]
    copy(data, f'train/{amber}/0.png', f'train/{blue}/again.png')
    copy(data, f'train/{blue}/1.png', f'test/{blue}/leak.png')
    two_classes, leak = run(data)
    assert two_classes.startswith('1 image is in two classes: ')
    assert f'train/{blue}/again.png (train, {blue})' in two_classes
    assert f'test/{blue}/leak.png (test, {blue})' in leak
    with pytest.raises(ValueError, match=r'in two classes.*in training and'):
        run(data, strict=True)


def test_validation_set_counts(data):
    copy(data, f'train/{CLASSES[0]}/0.png', f'val/{CLASSES[0]}/leak.png')
    (leak,) = run(data, test=None)
    assert '(val, amber)' in leak
    # No validation, or one on the images of the test.
    assert run(data, val=None) == []
    assert len(run(data, val='val', test='val')) == 1


def test_a_test_set_that_is_not_there_is_passed_over(data):
    shutil.rmtree(data / 'test')
    (message,) = run(data)
    assert message.startswith('Test images are not compared: ')
