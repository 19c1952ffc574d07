"""A training whose loss or weights are not finite stops, and says where."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook

from mmc2f.engine import DivergedError, FiniteLossHook, TrainingStageHook

STAGES = [dict(name='first', epochs=2), dict(name='second', epochs=2)]


@pytest.fixture
def runner(tmp_path):
    """In the third of four epochs, of four iterations each."""
    hooks = [Hook(), TrainingStageHook(STAGES)]
    return SimpleNamespace(epoch=2, iter=8, hooks=hooks, work_dir=tmp_path)


@pytest.mark.parametrize('value', ['nan', 'inf', '-inf'])
@pytest.mark.parametrize('kind', [float, torch.tensor])
def test_loss_is_looked_at(runner, value, kind):
    loss = kind(float(value))
    with pytest.raises(DivergedError) as caught:
        FiniteLossHook().after_train_iter(runner, 0, outputs=dict(loss=loss))
    assert str(caught.value) == (
        f'the loss is {value} in stage "second", epoch 3, iteration 9: there '
        'is no checkpoint yet; lower the learning rate, or clip the gradients'
    )


def test_parts_of_the_loss_and_the_good_checkpoint_are_named(runner, tmp_path):
    (tmp_path / 'last_checkpoint').write_text('work/epoch_2.pth\n')
    runner.hooks = []
    nan = torch.tensor(float('nan'))
    outputs = dict(loss=nan, softmax=torch.tensor(2.0), triplet=nan)
    message = (
        r'the loss is nan \(triplet nan\) epoch 3, iteration 9: the last '
        r'good checkpoint is work/epoch_2\.pth;'
    )
    with pytest.raises(DivergedError, match=message):
        FiniteLossHook().after_train_iter(runner, 0, outputs=outputs)


@pytest.mark.parametrize(
    'outputs',
    [
        None,
        {},
        dict(loss=torch.tensor(3.0)),
        # Of a measure, not of what is trained on.
        dict(loss=1.0, accuracy=float('nan')),
    ],
)
def test_finite_losses_pass(runner, outputs):
    FiniteLossHook().after_train_iter(runner, 0, outputs=outputs)


def test_weights_are_looked_at_before_they_are_saved(runner):
    good = dict(a=torch.ones(2), b=torch.tensor([1]), c=torch.tensor([1e30]))
    FiniteLossHook().before_save_checkpoint(runner, dict(state_dict=good))
    FiniteLossHook().before_save_checkpoint(runner, {})
    bad = {f'w{i}': torch.tensor([0, float('nan')]) for i in range(4)}
    message = r'4 weights are NaN \(w0, w1, w2, \.\.\.\) in stage "second"'
    with pytest.raises(DivergedError, match=message):
        FiniteLossHook().before_save_checkpoint(
            runner, dict(state_dict=bad | good)
        )
