"""One training a work dir."""

import errno
import os
import socket

import pytest
from held_work_dir import held

from mmc2f.apis import WorkDirInUse, lock_work_dir, work_dir_lock


def test_a_second_training_is_refused_until_the_first_is_dead(tmp_path):
    with held(tmp_path) as holder:
        message = (
            f'{tmp_path} is in use by another training, process '
            f'{holder.pid} on {socket.gethostname()}: wait for it to end'
        )
        refused = pytest.raises(WorkDirInUse, match=message)
        with refused, lock_work_dir(tmp_path):
            pass
        # Another work dir is free.
        with lock_work_dir(tmp_path / 'other'):
            pass
        holder.kill()
        holder.join()
        # Its child lives on.
        with lock_work_dir(tmp_path):
            pass


def test_is_free_afterwards_and_makes_the_folder(tmp_path):
    for _ in range(2):
        with lock_work_dir(tmp_path / 'new' / 'work'):
            assert (tmp_path / 'new' / 'work').is_dir()


def refuse(monkeypatch, code):
    def lockf(*args):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(work_dir_lock.fcntl, 'lockf', lockf)


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch, capsys):
    refuse(monkeypatch, errno.ENOLCK)
    with lock_work_dir(tmp_path):
        told = capsys.readouterr().out
    assert told.startswith(f'{tmp_path} cannot be locked (')


def test_an_owner_that_has_not_written_yet(tmp_path, monkeypatch):
    refuse(monkeypatch, errno.EAGAIN)
    with (
        pytest.raises(WorkDirInUse, match='another training: wait'),
        lock_work_dir(tmp_path),
    ):
        pass


def test_other_ranks_ask_for_none(tmp_path, monkeypatch):
    refuse(monkeypatch, errno.EAGAIN)
    monkeypatch.setattr(work_dir_lock, 'is_main_process', lambda: False)
    with lock_work_dir(tmp_path):
        assert list(tmp_path.iterdir()) == []
