"""A training that diverges stops, and keeps its last good checkpoint."""

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from tiny_ccfr import (
    ITERATIONS,
    own_default_scope,
    tiny_config,
    write_images,
)
from tool_helpers import load_tool

from mmc2f.apis.command_line import run_tool


class Poison(Hook):
    """Makes a weight NaN before, or after, an iteration of the second epoch.

    Args:
        when: Hook point.
    """

    def __init__(self, when):
        def spoil(runner, **_):
            if runner.iter == 2 * ITERATIONS - 1:
                weight = runner.model.backbone.model.conv_stem.weight
                weight.data[0] = float('nan')

        setattr(self, when, spoil)


@pytest.mark.parametrize(
    ('when', 'message'),
    [
        (
            'before_train_iter',
            rf'loss is nan .*epoch 2, iter.* {2 * ITERATIONS}',
        ),
        ('after_train_iter', 'weights are NaN .*epoch 2'),
    ],
)
def test_training_stops_and_keeps_its_last_good_checkpoint(
    tmp_path, monkeypatch, when, message
):
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(HOOKS, '_module_dict', {**HOOKS.module_dict})
    HOOKS.register_module(module=Poison)
    images = write_images(tmp_path / 'images')
    cfg = tiny_config(images, tmp_path / 'work')
    cfg.default_hooks.checkpoint.max_keep_ckpts = 2
    cfg.custom_hooks.append(dict(type='Poison', when=when))
    cfg.dump(tmp_path / 'own.py')
    arguments = [str(tmp_path / 'own.py'), '--no-validate']
    train = load_tool('train.py')
    with own_default_scope(), pytest.raises(SystemExit, match=message) as got:
        run_tool(lambda: train.main(arguments))
    assert f'the last good checkpoint is {tmp_path}' in got.value.code
    assert len(got.value.code.splitlines()) == 1
    good = tmp_path / 'work' / 'epoch_1.pth'
    assert (tmp_path / 'work' / 'last_checkpoint').read_text() == str(good)
    weights = torch.load(good, weights_only=True)['state_dict']
    assert all(w.isfinite().all() for w in weights.values())
    assert not (tmp_path / 'work' / 'epoch_2.pth').exists()
