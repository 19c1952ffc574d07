"""At any time there is a good checkpoint, and a file that names it."""

import os
import re
import resource
from pathlib import Path

import pytest
import torch
from toy_runs import toy_config, toy_runner, with_validation

from mmc2f.apis import latest_checkpoint
from mmc2f.engine import AtomicCheckpointHook, build_runner


def train(cfg):
    toy_runner(cfg).train()


def keeping(work_dir, count=1, epochs=(2, 1), **hook):
    """A config that keeps so many checkpoints."""
    cfg = toy_config(work_dir, epochs)
    cfg.default_hooks.checkpoint.update(max_keep_ckpts=count, **hook)
    return cfg


def files(work_dir):
    """Checkpoints, what names them, and what is unfinished."""
    paths = Path(work_dir).glob('*')
    return sorted(
        path.name
        for path in paths
        if path.suffix == '.pth' or 'last_checkpoint' in path.name
    )


def named(work_dir):
    return Path((work_dir / 'last_checkpoint').read_text()).name


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """What there was whenever a file was put in place: its name, the rest."""
    found, replace = [], os.replace

    def spy(one, other):
        found.append((Path(other).name, files(tmp_path)))
        replace(one, other)

    monkeypatch.setattr(os, 'replace', spy)
    return found


@pytest.mark.parametrize('kind', ['Runner', 'FlexibleRunner'])
def test_the_old_one_goes_when_the_new_one_is_whole(kind, tmp_path, seen):
    cfg = keeping(tmp_path)
    cfg.runner_type = kind
    build_runner(cfg).train()
    order = [name for name, _ in seen]
    assert order == [
        *('epoch_1.pth', 'last_checkpoint'),
        *('epoch_2.pth', 'last_checkpoint'),
        *('epoch_3.pth', 'last_checkpoint'),
    ]
    for epoch in (2, 3):
        for name, there in seen[2 * epoch - 2 : 2 * epoch]:
            assert f'epoch_{epoch - 1}.pth' in there, name
    assert files(tmp_path) == ['epoch_3.pth', 'last_checkpoint']
    assert named(tmp_path) == 'epoch_3.pth'


def test_so_does_the_best(tmp_path, seen):
    train(
        with_validation(keeping(tmp_path, save_best='score', rule='greater'))
    )
    for epoch in (2, 3):
        name = f'best_score_epoch_{epoch}.pth'
        there = dict(seen)[name]
        assert f'best_score_epoch_{epoch - 1}.pth' in there
    assert files(tmp_path) == [
        *('best_score_epoch_3.pth', 'epoch_3.pth', 'last_checkpoint')
    ]


@pytest.fixture
def full_after_first(tmp_path, monkeypatch):
    """From the second epoch on no file can get longer than a kilobyte."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    save = AtomicCheckpointHook._save

    def save_on_full_disk(self, runner, *args, **kwargs):
        if runner.epoch == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            save(self, runner, *args, **kwargs)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    monkeypatch.setattr(AtomicCheckpointHook, '_save', save_on_full_disk)


def test_a_full_disk_leaves_the_last_good_one(tmp_path, full_after_first):
    message = (
        rf"not written: File too large; .*: '{tmp_path}/epoch_2.pth' "
        rf'\(last good checkpoint: {tmp_path}/epoch_1.pth\)'
    )
    with pytest.raises(OSError, match=message):
        train(keeping(tmp_path))
    assert files(tmp_path) == ['epoch_1.pth', 'last_checkpoint']
    assert latest_checkpoint(tmp_path) == str(tmp_path / 'epoch_1.pth')


class Killed(BaseException):
    """As kill -9: nothing is done any more."""


def test_what_a_kill_leaves_is_removed(tmp_path, monkeypatch):
    cfg = keeping(tmp_path)
    with monkeypatch.context() as patch:

        def kill(self, name):
            if name == 'epoch_1.pth':
                raise Killed

        patch.setattr(AtomicCheckpointHook, '_remove', kill)
        with pytest.raises(Killed):
            train(cfg)
    (tmp_path / '.epoch_3.77.part.pth').touch()
    (tmp_path / '.last_checkpoint.77.part').touch()
    assert named(tmp_path) == 'epoch_2.pth'
    cfg.resume, cfg.load_from = True, latest_checkpoint(tmp_path)
    train(cfg)
    assert files(tmp_path) == ['epoch_3.pth', 'last_checkpoint']


def test_as_many_are_kept_as_asked(tmp_path):
    train(keeping(tmp_path, 2))
    assert files(tmp_path) == [
        *('epoch_2.pth', 'epoch_3.pth', 'last_checkpoint')
    ]
    train(keeping(tmp_path / 'all', -1))
    assert len(files(tmp_path / 'all')) == 4


def test_a_back_end_that_is_given_stays(tmp_path):
    cfg = keeping(tmp_path, backend_args=dict(backend='local'))
    runner = toy_runner(cfg)
    runner.train()
    (hook,) = (h for h in runner.hooks if isinstance(h, AtomicCheckpointHook))
    assert hook.backend_args == dict(backend='local')
    assert files(tmp_path) == ['epoch_3.pth', 'last_checkpoint']


def test_checkpoints_elsewhere(tmp_path):
    out = tmp_path / 'out'
    train(keeping(tmp_path / 'work', out_dir=str(out)))
    path = out / 'work' / 'epoch_3.pth'
    assert (tmp_path / 'work' / 'last_checkpoint').read_text() == str(path)
    assert torch.load(path)['meta']['epoch'] == 3
    assert re.fullmatch(r'epoch_3\.pth', *os.listdir(path.parent))
