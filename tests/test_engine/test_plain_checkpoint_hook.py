"""Checkpoints that load with ``weights_only=True``."""

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub

from mmc2f.engine import PlainCheckpointHook


def make_checkpoint() -> dict:
    hub = MessageHub('test_plain_checkpoint_hook')
    hub.update_scalar('train/loss', 1.5)
    hub.update_info('eta', np.float64(2.5))
    hub.update_info('epoch', 3)
    return {'message_hub': hub.state_dict(), 'weight': torch.ones(2)}


def test_loads_without_unpickling_objects(tmp_path):
    checkpoint = make_checkpoint()
    torch.save(checkpoint, tmp_path / 'as_the_runner_saves_it.pth')
    with pytest.raises(Exception, match='Weights only load failed'):
        torch.load(tmp_path / 'as_the_runner_saves_it.pth', weights_only=True)

    PlainCheckpointHook().before_save_checkpoint(None, checkpoint)
    torch.save(checkpoint, tmp_path / 'plain.pth')
    loaded = torch.load(tmp_path / 'plain.pth', weights_only=True)
    assert loaded['message_hub']['runtime_info']['eta'] == 2.5
    assert loaded['message_hub']['runtime_info']['epoch'] == 3
    assert torch.equal(loaded['weight'], torch.ones(2))


def test_a_resumed_hub_takes_it(tmp_path):
    checkpoint = make_checkpoint()
    PlainCheckpointHook().before_save_checkpoint(None, checkpoint)
    hub = MessageHub('test_plain_checkpoint_hook_resumed')
    hub.load_state_dict(checkpoint['message_hub'])
    assert hub.get_info('epoch') == 3


def test_checkpoint_without_a_hub():
    checkpoint = {'state_dict': {}}
    PlainCheckpointHook().before_save_checkpoint(None, checkpoint)
    assert checkpoint == {'state_dict': {}}
