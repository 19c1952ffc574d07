"""The runner that a config asks for."""

from importlib import import_module

import pytest
import torch
from mmengine.runner import FlexibleRunner
from tiny_ccfr import own_default_scope
from toy_runs import toy_config

from mmc2f.engine import StrictRunner, build_runner

# Its package has a function of the same name.
module = import_module('mmc2f.engine.build_runner')


def trained(cfg):
    with own_default_scope():
        runner = build_runner(cfg)
        runner.train()
    return runner


def test_flexible_runner_trains_as_the_strict_one(tmp_path):
    strict = trained(toy_config(tmp_path / 'strict'))
    cfg = toy_config(tmp_path / 'flexible', runner_type='FlexibleRunner')
    flexible = trained(cfg)
    assert isinstance(strict, StrictRunner)
    assert isinstance(flexible, FlexibleRunner)
    assert torch.equal(strict.model.layer.weight, flexible.model.layer.weight)
    last = (tmp_path / 'flexible/last_checkpoint').read_text()
    loaded = torch.load(last, weights_only=True)
    assert loaded['meta']['epoch'] == 3


def test_unknown_runner_is_refused(tmp_path):
    with pytest.raises(ValueError, match='runner_type'):
        build_runner(toy_config(tmp_path, runner_type='Sprinter'))


@pytest.mark.parametrize(
    ('device', 'given', 'wrapper'),
    [
        ('cpu', {}, dict(device_id='cpu')),
        (
            'cpu',
            dict(model_wrapper=dict(use_orig_params=False)),
            dict(device_id='cpu', use_orig_params=False),
        ),
        ('cuda', {}, None),
    ],
)
def test_fsdp_is_told_where_there_is_no_gpu(
    device, given, wrapper, tmp_path, monkeypatch
):
    cfg = toy_config(tmp_path, runner_type='FlexibleRunner')
    cfg.strategy = dict(type='FSDPStrategy', **given)
    monkeypatch.setattr(module, 'get_device', lambda: device)
    monkeypatch.setattr(FlexibleRunner, 'from_cfg', lambda built: built)
    assert build_runner(cfg).strategy.get('model_wrapper') == wrapper
