"""Which checkpoint a training is resumed from."""

import shutil

import pytest
import torch
from mmengine.config import Config

from mmc2f.apis import latest_checkpoint, resume_from_latest


def save(folder, *names):
    """Checkpoints; the last is the latest."""
    folder.mkdir(exist_ok=True)
    for name in names:
        torch.save(dict(weight=torch.rand(1000)), folder / name)
    (folder / 'last_checkpoint').write_text(str(folder / names[-1]))
    return folder


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b'')


def text(path):
    path.write_text('no checkpoint')


def remove(path):
    path.unlink()


def test_none_before_the_first_is_saved(tmp_path):
    assert latest_checkpoint(tmp_path) is None
    assert latest_checkpoint(tmp_path / 'nowhere') is None


def test_the_one_that_is_named(tmp_path, capsys):
    save(tmp_path, 'epoch_2.pth', 'epoch_1.pth')
    assert latest_checkpoint(tmp_path) == str(tmp_path / 'epoch_1.pth')
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ('damage', 'fault'),
    [
        (cut, r'is damaged \('),
        (flip, r'is damaged \(in '),
        (empty, 'is empty'),
        (text, r'is damaged \('),
        (remove, 'is missing'),
    ],
)
def test_the_last_whole_one(tmp_path, capsys, damage, fault):
    save(tmp_path, *(f'epoch_{i}.pth' for i in (8, 9, 10)))
    damage(tmp_path / 'epoch_10.pth')
    good = str(tmp_path / 'epoch_9.pth')
    assert latest_checkpoint(tmp_path) == good
    told = capsys.readouterr().out
    assert told.startswith(f'{tmp_path}/epoch_10.pth is ')
    assert fault.replace('\\', '') in told
    assert told.endswith(f': the training goes on from {good}\n')


def test_all_damaged(tmp_path):
    save(tmp_path, 'epoch_1.pth', 'epoch_2.pth')
    cut(tmp_path / 'epoch_1.pth')
    remove(tmp_path / 'epoch_2.pth')
    message = (
        r'nothing to resume from: .*/epoch_2.pth is missing, '
        r'.*/epoch_1.pth is damaged \(.*; remove what is damaged'
    )
    with pytest.raises(ValueError, match=message):
        latest_checkpoint(tmp_path)


@pytest.mark.parametrize('content', [None, b'', b'\n'])
def test_without_a_name(tmp_path, capsys, content):
    """Killed between the first checkpoint and its name, or half written."""
    save(tmp_path, 'epoch_1.pth')
    named = tmp_path / 'last_checkpoint'
    named.unlink() if content is None else named.write_bytes(content)
    assert latest_checkpoint(tmp_path) == str(tmp_path / 'epoch_1.pth')
    assert ('last_checkpoint is ' in capsys.readouterr().out) == (
        content is not None
    )


def test_in_the_middle_of_an_epoch(tmp_path):
    save(tmp_path, 'interrupted.pth', 'epoch_1.pth', 'epoch_2.pth')
    cut(tmp_path / 'epoch_2.pth')
    assert latest_checkpoint(tmp_path) == str(tmp_path / 'interrupted.pth')


def test_a_work_dir_that_was_moved(tmp_path):
    save(tmp_path / 'old', 'epoch_1.pth', 'epoch_2.pth')
    moved = tmp_path / 'new'
    shutil.move(tmp_path / 'old', moved)
    assert latest_checkpoint(moved) == str(moved / 'epoch_2.pth')


def test_checkpoints_elsewhere(tmp_path):
    save(tmp_path / 'out', 'epoch_1.pth', 'epoch_2.pth')
    work_dir = tmp_path / 'work'
    work_dir.mkdir()
    shutil.move(tmp_path / 'out' / 'last_checkpoint', work_dir)
    cut(tmp_path / 'out' / 'epoch_2.pth')
    good = str(tmp_path / 'out' / 'epoch_1.pth')
    assert latest_checkpoint(work_dir) == good


def test_shards_are_left_to_their_reader(tmp_path):
    save(tmp_path, 'epoch_1.pth')
    remove(tmp_path / 'epoch_1.pth')
    (tmp_path / 'epoch_1.pth').mkdir()
    assert latest_checkpoint(tmp_path) == str(tmp_path / 'epoch_1.pth')


def test_resumes_or_starts_afresh(tmp_path, capsys):
    facts = dict(work_dir=str(tmp_path), resume=True, load_from=None)
    cfg = Config(facts)
    resume_from_latest(cfg, 'pretrained.pth')
    assert (cfg.resume, cfg.load_from) == (False, 'pretrained.pth')
    message = 'no checkpoint to resume from: the training starts afresh'
    assert message in capsys.readouterr().out

    save(tmp_path, 'epoch_1.pth')
    cfg = Config(facts)
    resume_from_latest(cfg, 'pretrained.pth')
    assert cfg.resume
    assert cfg.load_from == str(tmp_path / 'epoch_1.pth')


@pytest.mark.parametrize('resume', [False, True])
def test_a_named_checkpoint_stays(tmp_path, resume):
    save(tmp_path, 'epoch_1.pth')
    cfg = Config(dict(work_dir=str(tmp_path), resume=resume, load_from='a'))
    resume_from_latest(cfg)
    assert (cfg.resume, cfg.load_from) == (resume, 'a')
