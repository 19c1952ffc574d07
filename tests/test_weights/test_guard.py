"""Every way in which the host reads a file refuses code in it."""

import pickle
import sys

import mmengine
import pytest
import torch
from crafted_files import Payload, write_crafted
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import MODELS
from mmengine.runner import CheckpointLoader, load_checkpoint
from mmengine.runner.checkpoint import _load_checkpoint_with_prefix
from mmpretrain import ImageClassificationInferencer, get_model
from safetensors.torch import save_file
from torch import nn

import mmc2f.registry  # noqa: F401, it guards the host
from mmc2f.apis import load_config
from mmc2f.apis.load_model import load_model
from mmc2f.weights import UntrustedFileError

MODEL = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(type='mmpretrain.ResNet', depth=18),
    head=dict(type='mmpretrain.LinearClsHead', num_classes=2, in_channels=512),
)


@pytest.fixture
def crafted(tmp_path, marker, monkeypatch):
    """A checkpoint that every scheme finds somewhere."""
    cache = tmp_path / 'hub' / 'checkpoints'
    cache.mkdir(parents=True)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    monkeypatch.setenv('MMENGINE_HOME', str(tmp_path))
    for name in ('a.pth', 'resnet18-f37072fd.pth'):
        write_crafted(cache / name, marker)
    (tmp_path / 'open_mmlab.json').write_text('{"own": "a.pth"}')
    return write_crafted(tmp_path / 'a.pth', marker)


def test_file(crafted, marker):
    with pytest.raises(UntrustedFileError, match=str(crafted)):
        load_checkpoint(nn.Linear(1, 1), str(crafted))
    with pytest.raises(UntrustedFileError, match=str(crafted)):
        _load_checkpoint_with_prefix('backbone', str(crafted))
    assert not marker.exists()


@pytest.mark.parametrize(
    'address',
    [
        'http://nowhere.invalid/a.pth',
        'https://nowhere.invalid/folder/a.pth?version=1',
        'torchvision://resnet18',
        'openmmlab://own',
    ],
)
@pytest.mark.usefixtures('crafted')
def test_address(marker, address):
    with pytest.raises(UntrustedFileError, match=r'\.pth is refused'):
        CheckpointLoader.load_checkpoint(address)
    assert not marker.exists()


def test_object_store(crafted, marker, monkeypatch):
    class Backend:
        def get(self, name):
            return crafted.read_bytes()

    host = sys.modules['mmengine.runner.checkpoint']
    monkeypatch.setattr(host, 'get_file_backend', lambda *a, **k: Backend())
    with pytest.raises(UntrustedFileError):
        CheckpointLoader.load_checkpoint('s3://bucket/a.pth')
    assert not marker.exists()


def test_download_is_kept_and_read(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    asked = []

    def download(url, file, progress):
        asked.append(url)
        save_file({'weight': torch.ones(1)}, file)

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    for _ in range(2):
        content = CheckpointLoader.load_checkpoint('https://a.b/c.safetensors')
        assert content['state_dict']['weight'].tolist() == [1]
    assert asked == ['https://a.b/c.safetensors']
    assert (tmp_path / 'checkpoints' / 'c.safetensors').is_file()


@pytest.mark.parametrize('prefix', [None, 'backbone'])
def test_pretrained_part(crafted, marker, prefix):
    init_cfg = dict(type='Pretrained', checkpoint=str(crafted), prefix=prefix)
    model = MODELS.build(dict(MODEL['backbone'], init_cfg=init_cfg))
    with pytest.raises(UntrustedFileError, match=str(crafted)):
        model.init_weights()
    assert not marker.exists()


def test_pretrained_tap(crafted, marker):
    init_cfg = dict(type='Pretrained', checkpoint=str(crafted))
    tap = MODELS.build(
        dict(
            type='mmc2f.FeatureTap',
            model_name='test_efficientnet',
            nodes=('bn2',),
            init_cfg=init_cfg,
        )
    )
    with pytest.raises(UntrustedFileError, match=str(crafted)):
        tap.init_weights()
    assert not marker.exists()


def test_get_model_and_inferencer(crafted, marker):
    cfg = Config(dict(model=MODEL))
    with pytest.raises(UntrustedFileError):
        get_model(cfg, pretrained=str(crafted))
    with pytest.raises(UntrustedFileError):
        ImageClassificationInferencer(get_model(cfg), str(crafted))
    with pytest.raises(UntrustedFileError):
        load_model(cfg, str(crafted))
    assert not marker.exists()


def test_yaml_config(tmp_path, marker):
    path = tmp_path / 'own.yaml'
    code = f"open('{marker}', 'w')"
    path.write_text(f'lr: !!python/object/apply:eval ["{code}"]')
    with pytest.raises(UntrustedFileError, match=r'own\.yaml.*apply:eval'):
        load_config(path)
    assert not marker.exists()


def test_plain_yaml_is_read(tmp_path):
    Config(dict(size=(3, 4), lr=0.5)).dump(tmp_path / 'own.yaml')
    assert load_config(tmp_path / 'own.yaml')['size'] == (3, 4)


@pytest.mark.usefixtures('trusted')
def test_trusted_yaml_and_pickle_are_run(tmp_path, marker):
    path = tmp_path / 'own.yaml'
    path.write_text('total: !!python/object/apply:eval ["1 + 1"]')
    assert mmengine.load(path) == dict(total=2)
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(Payload(marker)))
    mmengine.load(tmp_path / 'a.pkl')
    assert marker.exists()


@pytest.mark.usefixtures('trusted')
def test_faulty_yaml_that_is_trusted_is_faulty_all_the_same(tmp_path):
    path = tmp_path / 'own.yaml'
    path.write_text('total: !unknown 1')
    with pytest.raises(Exception, match='could not determine a constructor'):
        mmengine.load(path)


@pytest.mark.parametrize('ending', ['pkl', 'pickle'])
def test_pickled_annotations(tmp_path, marker, ending):
    path = tmp_path / f'a.{ending}'
    path.write_bytes(pickle.dumps(Payload(marker)))
    with pytest.raises(UntrustedFileError, match='it is a pickle'):
        BaseDataset(ann_file=str(path))
    assert not marker.exists()


def test_registry_is_enough():
    """Whoever names a part of ours in a config gets the guard with it."""
    loader = CheckpointLoader._get_checkpoint_loader('a.pth')
    assert loader.__module__ == 'mmc2f.weights.guard'
