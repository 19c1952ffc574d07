"""A resumed training ends with the weights it would have had."""

import itertools
import os
import random
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from tiny_ccfr import own_default_scope
from tiny_runs import EPOCHS, write_run

from mmc2f.apis import complete_dataloaders, load_config
from mmc2f.engine import Interrupted

# Runners of one name share their log.
_counter = itertools.count()


class StopIn(Hook):
    """Asks to stop in an iteration."""

    def __init__(self, iteration):
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration:
            os.kill(os.getpid(), signal.SIGTERM)


def train(config, work_dir, resume_from=None, seed=0, stop_in=None, **loader):
    """The last checkpoint of a training."""
    cfg = load_config(config, {'randomness.seed': seed})
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = f'exact_{next(_counter)}'
    cfg.log_level = 'ERROR'
    cfg.default_hooks.checkpoint.max_keep_ckpts = -1
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if resume_from is not None:
        cfg.resume, cfg.load_from = True, str(resume_from)
    cfg.train_dataloader.update(loader)
    complete_dataloaders(cfg)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(StopIn(stop_in))
    # What a process has drawn before must not matter.
    random.seed()
    np.random.seed()  # noqa: NPY002 (what transforms draw from)
    torch.seed()
    runner.train()
    return torch.load(Path(work_dir, 'last_checkpoint').read_text())


@pytest.fixture(scope='module', params=list(EPOCHS))
def run(request, tmp_path_factory):
    """Name, config, work dir and last checkpoint of a whole training."""
    folder = tmp_path_factory.mktemp(request.param)
    config = write_run(request.param, folder)
    with own_default_scope():
        last = train(config, folder / 'whole')
    return request.param, config, folder / 'whole', last


def assert_equal(one, other):
    """Weights and states of the optimizer, bit for bit."""
    for name, value in one['state_dict'].items():
        assert value.equal(other['state_dict'][name]), name
    torch.testing.assert_close(
        one['optimizer'], other['optimizer'], rtol=0, atol=0
    )
    assert one['meta']['iter'] == other['meta']['iter']


@pytest.mark.parametrize('stage', range(4))
def test_resumed_in_the_middle_of_each_stage(run, tmp_path, stage):
    name, config, work_dir, last = run
    if stage >= len(EPOCHS[name]):
        pytest.skip(f'{name} has {len(EPOCHS[name])} stages')
    epoch = sum(EPOCHS[name][:stage]) + 1
    resumed = train(config, tmp_path, work_dir / f'epoch_{epoch}.pth')
    assert_equal(resumed, last)


def test_stopped_and_resumed_within_an_epoch(run, tmp_path):
    """In the first of a stage, whose classifiers begin with others' weights.

    Neither are they given these once more, nor are batches repeated.
    """
    name, config, work_dir, last = run
    epoch = sum(EPOCHS[name][:-1])
    iteration = epoch * last['meta']['iter'] // last['meta']['epoch']
    start = work_dir / f'epoch_{epoch}.pth'
    with pytest.raises(Interrupted) as stopped:
        train(config, tmp_path, start, stop_in=iteration)
    path = tmp_path / 'interrupted.pth'
    assert str(path) in str(stopped.value)
    assert torch.load(path)['meta']['iter'] == iteration + 1
    assert_equal(train(config, tmp_path, path), last)


@pytest.mark.parametrize('workers', [0, 1])
def test_the_number_of_workers_does_not_matter(run, tmp_path, workers):
    name, config, work_dir, last = run
    resumed = train(
        *(config, tmp_path, work_dir / f'epoch_{sum(EPOCHS[name]) - 1}.pth'),
        num_workers=workers,
        persistent_workers=False,
    )
    assert_equal(resumed, last)


def test_resumed_with_the_seed_of_the_checkpoint(run, tmp_path):
    name, config, work_dir, last = run
    path = work_dir / f'epoch_{sum(EPOCHS[name]) - 1}.pth'
    assert_equal(train(config, tmp_path, path, seed=None), last)
