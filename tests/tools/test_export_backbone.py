"""A backbone out of checkpoints, into networks that know no classifier."""

from pathlib import Path

import pytest
import timm
import torch
from mmengine.registry import DefaultScope
from mmengine.runner import load_checkpoint
from mmpretrain.models.backbones import ResNet
from tiny_ccfr import model_config
from tool_helpers import load_tool

from mmc2f.registry import MODELS

export = load_tool('model_converters/export_backbone.py')


def save(path, weights):
    torch.save({'state_dict': weights, 'meta': {'epoch': 3}}, path)
    return path


def run(checkpoint, out):
    export.main([str(checkpoint), str(out)])
    content = torch.load(out, weights_only=True)
    assert set(content) == {'state_dict'}
    return content['state_dict']


def test_resnet_keeps_its_names(tmp_path):
    network = ResNet(depth=18)
    weights = {f'backbone.{k}': v for k, v in network.state_dict().items()}
    weights['head.fc.weight'] = torch.zeros(2, 3)
    out = tmp_path / 'new' / 'resnet.pth'
    exported = run(save(tmp_path / 'epoch_1.pth', weights), out)
    assert list(exported) == list(network.state_dict())

    other = ResNet(depth=18, init_cfg=dict(type='Pretrained', checkpoint=''))
    other.init_cfg['checkpoint'] = str(out)
    other.init_weights()
    for name, value in network.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    load_checkpoint(ResNet(depth=18), str(out), strict=True)


def test_feature_tap_gets_the_names_of_its_library(tmp_path):
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(model_config())
    checkpoint = save(tmp_path / 'epoch_1.pth', model.state_dict())
    exported = run(checkpoint, tmp_path / 'tap.pth')
    library = timm.create_model('test_efficientnet')
    left = library.load_state_dict(exported, strict=False)
    # The tap ends before the library's classifier.
    assert set(left.missing_keys) <= {'classifier.weight', 'classifier.bias'}
    assert left.unexpected_keys == []

    tap = dict(
        model_config()['backbone'],
        init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'tap.pth')),
    )
    again = MODELS.build(tap)
    again.init_weights()
    images = torch.rand(1, 3, 64, 64)
    again.eval(), model.eval()
    for one, other in zip(model.backbone(images), again(images), strict=True):
        assert torch.equal(one, other)


def test_only_tensors_that_are_needed_are_written(tmp_path):
    whole = torch.rand(1000, 1000)
    checkpoint = save(tmp_path / 'a.pth', {'backbone.w': whole[:1]})
    run(checkpoint, tmp_path / 'b.pth')
    assert (tmp_path / 'b.pth').stat().st_size < 100_000


def test_bare_state_dict_will_do(tmp_path):
    torch.save({'backbone.w': torch.ones(2)}, tmp_path / 'a.pth')
    weights = run(tmp_path / 'a.pth', tmp_path / 'b.pth')
    assert weights['w'].tolist() == [1, 1]


@pytest.mark.parametrize(
    ('weights', 'message'),
    [
        ({'conv1.weight': torch.zeros(1)}, r'named backbone\.\*, but conv1: '),
        ({}, 'but there are none: is it a checkpoint of a classifier'),
        (
            {f'{name}.w': torch.zeros(1) for name in 'abcde'},
            r'but a, b, c, d, \.\.\.: ',
        ),
        (
            {'backbone.module.q.lora_up.weight': torch.zeros(1)},
            'has adapters .*lora_up.*: merge them',
        ),
        ({'backbone.w': 'no tensor'}, 'has no state dict'),
    ],
)
def test_wrong_contents_are_refused(tmp_path, weights, message):
    checkpoint = save(tmp_path / 'a.pth', weights)
    with pytest.raises(SystemExit, match=message):
        export.main([str(checkpoint), str(tmp_path / 'b.pth')])
    assert not (tmp_path / 'b.pth').exists()


def test_wrong_files_are_refused(tmp_path):
    path = tmp_path / 'a.pth'
    with pytest.raises(SystemExit, match=r'a\.pth does not exist'):
        export.main([str(path), str(tmp_path / 'b.pth')])
    path.write_text('no checkpoint')
    with pytest.raises(SystemExit, match=r'a\.pth is no checkpoint'):
        export.main([str(path), str(tmp_path / 'b.pth')])
    torch.save({'state_dict': {}, 'hook': Path('object')}, path)
    message = r'a\.pth is refused.*pathlib.*--trust'
    with pytest.raises(SystemExit, match=message):
        export.main([str(path), str(tmp_path / 'b.pth')])
