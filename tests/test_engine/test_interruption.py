"""A training that is asked to stop, and what it goes on from."""

import os
import signal

import pytest
import torch
from mmengine.hooks import Hook
from toy_runs import ITERATIONS, toy_config, toy_runner, with_validation

from mmc2f.apis import latest_checkpoint
from mmc2f.engine import Interrupted

EPOCHS = (2, 1)
LENGTH = sum(EPOCHS) * ITERATIONS


class Watch(Hook):
    """Notes down what is done, and sends a signal in the middle of it.

    Args:
        at: ``(what, iteration)``: ``'train'`` or ``'val'`` after so many
            iterations of training.
    """

    def __init__(self, at=None, number=signal.SIGINT):
        self.at, self.number = at, number
        self.done = []

    def _note(self, runner, what):
        self.done.append((what, runner.iter))
        if self.done[-1] == self.at:
            os.kill(os.getpid(), self.number)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        assert batch_idx == runner.iter % ITERATIONS
        self._note(runner, 'train')

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        if batch_idx == 0:
            self._note(runner, 'val')

    def after_val_epoch(self, runner, metrics=None):
        self._note(runner, 'validated')


def train(cfg, at=None, number=signal.SIGINT):
    """Weights and what was done, or the error with which it stopped."""
    watch = Watch(at, number)
    runner = toy_runner(cfg, watch)
    runner.train()
    return {k: v.clone() for k, v in runner.model.state_dict().items()}, (
        watch.done
    )


def stop(cfg, at, number=signal.SIGINT):
    with pytest.raises(Interrupted) as stopped:
        train(cfg, at, number)
    return stopped.value


def resume(cfg):
    cfg.resume, cfg.load_from = True, latest_checkpoint(cfg.work_dir)
    return train(cfg)


def assert_equal(one, other):
    for name, value in one.items():
        assert value.equal(other[name]), name


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    return train(toy_config(tmp_path_factory.mktemp('whole'), EPOCHS))


@pytest.mark.parametrize('iteration', [0, 5, 10])
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_goes_on_within_an_epoch(whole, tmp_path, iteration, number):
    cfg = toy_config(tmp_path, EPOCHS)
    error = stop(cfg, ('train', iteration), number)
    path = tmp_path / 'interrupted.pth'
    assert str(error) == (
        f'stopped by {signal.Signals(number).name} after iteration '
        f'{iteration + 1} of {LENGTH}: --resume goes on from {path}'
    )
    assert error.exit_code == 128 + number
    saved = torch.load(path)['meta']
    assert saved['epoch'] == iteration // ITERATIONS
    assert saved['iter'] == iteration + 1
    weights, done = resume(toy_config(tmp_path, EPOCHS))
    assert done == whole[1][iteration + 1 :]
    assert_equal(weights, whole[0])
    assert not path.exists()
    assert (tmp_path / 'last_checkpoint').read_text().endswith('epoch_3.pth')


def test_goes_on_after_an_epoch(whole, tmp_path):
    error = stop(toy_config(tmp_path, EPOCHS), ('train', ITERATIONS - 1))
    assert str(error).endswith(f'goes on from {tmp_path}/epoch_1.pth')
    assert not (tmp_path / 'interrupted.pth').exists()
    weights, _ = resume(toy_config(tmp_path, EPOCHS))
    assert_equal(weights, whole[0])


def test_goes_on_after_an_epoch_that_is_not_saved(whole, tmp_path):
    cfg = toy_config(tmp_path, EPOCHS)
    cfg.default_hooks.checkpoint.interval = 2
    error = stop(cfg, ('train', ITERATIONS - 1))
    assert str(error).endswith(f'goes on from {tmp_path}/interrupted.pth')
    weights, done = resume(toy_config(tmp_path, EPOCHS))
    assert done == whole[1][ITERATIONS:]
    assert_equal(weights, whole[0])


def test_is_interrupted_twice(whole, tmp_path):
    stop(toy_config(tmp_path, EPOCHS), ('train', 4))
    cfg = toy_config(tmp_path, EPOCHS)
    cfg.resume, cfg.load_from = True, latest_checkpoint(tmp_path)
    stop(cfg, ('train', 6))
    weights, done = resume(toy_config(tmp_path, EPOCHS))
    assert done == whole[1][7:]
    assert_equal(weights, whole[0])


@pytest.mark.parametrize(('interval', 'stops_in'), [(1, 'val'), (2, 'train')])
def test_a_validation_is_left_at_once_if_all_is_saved(
    tmp_path, interval, stops_in
):
    def config():
        cfg = with_validation(toy_config(tmp_path, EPOCHS))
        cfg.default_hooks.checkpoint.interval = interval
        return cfg

    stop(config(), ('val', ITERATIONS))
    latest = latest_checkpoint(tmp_path)
    name = 'epoch_1.pth' if interval == 1 else 'interrupted.pth'
    assert latest == str(tmp_path / name)
    # What it did not come to is made up for.
    _, done = resume(config())
    validated = [iteration for what, iteration in done if what == 'validated']
    assert validated == [ITERATIONS * epoch for epoch in (1, 2, 3)]


def test_gradients_that_accumulate_are_not_lost(tmp_path):
    def config(name):
        cfg = toy_config(tmp_path / name, EPOCHS)
        cfg.optim_wrapper.accumulative_counts = 2
        return cfg

    weights, done = train(config('whole'))
    error = stop(config('cut'), ('train', 4))
    assert 'after iteration 6 of' in str(error)
    resumed, rest = resume(config('cut'))
    assert rest == done[6:]
    assert_equal(resumed, weights)


def test_without_our_hook_it_says_what_is_lost(tmp_path):
    cfg = toy_config(tmp_path, EPOCHS)
    cfg.default_hooks.checkpoint.type = 'CheckpointHook'
    error = stop(cfg, ('train', 5))
    assert str(error).endswith('what came after the last checkpoint is lost')
    assert not (tmp_path / 'interrupted.pth').exists()


def test_another_length_of_an_epoch_starts_it_anew(tmp_path, capsys):
    stop(toy_config(tmp_path, EPOCHS), ('train', 5))
    cfg = toy_config(tmp_path, EPOCHS)
    cfg.train_dataloader.batch_size = 1
    cfg.log_level = 'WARNING'
    cfg.resume, cfg.load_from = True, latest_checkpoint(tmp_path)
    toy_runner(cfg).train()
    assert 'epoch 2 starts from its first batch' in capsys.readouterr().out


def test_checkpoints_by_iteration_go_on_where_they_are(whole, tmp_path):
    cfg = toy_config(tmp_path, EPOCHS)
    cfg.default_hooks.checkpoint.update(by_epoch=False, interval=3)
    train(cfg)
    cfg = toy_config(tmp_path, EPOCHS)
    cfg.resume, cfg.load_from = True, str(tmp_path / 'iter_9.pth')
    weights, done = train(cfg)
    assert done == whole[1][9:]
    assert_equal(weights, whole[0])
