"""A process that dies or hangs ends the others, which name it."""

import signal
import time
from datetime import timedelta

import pytest
import torch
from ranks import free_port, start_ranks
from tool_helpers import ROOT
from torch.distributed import DistError, HashStore, TCPStore

from mmc2f.engine import lost_process
from mmc2f.engine.lost_process import absent_processes, describe_lost_process

# How soon a process must say that it has lost another one.
SECONDS = 60
SCRIPT = ROOT / 'tests/distributed_loss.py'
LOST = RuntimeError('gloo: Connection closed\nat x')


@pytest.fixture
def store(monkeypatch):
    """Makes this process the first of four, with a store of its own."""
    store = HashStore()
    monkeypatch.setattr(lost_process, 'is_distributed', lambda: True)
    monkeypatch.setattr(lost_process, 'get_world_size', lambda: 4)
    monkeypatch.setattr(lost_process, '_SECONDS', 0.1)
    use(store, monkeypatch)
    return store


def use(store, monkeypatch):
    monkeypatch.setattr(
        torch.distributed.distributed_c10d, '_get_default_store', lambda: store
    )


def test_those_that_do_not_wait_are_named(store):
    store.set('mmc2f/waits/2', '')
    assert absent_processes(0.1) == [1, 3]
    assert 'process 0 has lost processes 1, 3,' in describe_lost_process(LOST)
    store.set('mmc2f/waits/1', '')
    assert 'process 0 has lost process 3,' in describe_lost_process(LOST)


def test_nobody_is_named_where_all_wait(store):
    for rank in range(1, 4):
        store.set(f'mmc2f/waits/{rank}', '')
    text = describe_lost_process(LOST)
    assert 'process 0 has lost another one,' in text
    assert text.endswith('(gloo: Connection closed)')


def test_store_that_has_gone_names_nobody(store, monkeypatch):
    port = free_port()
    own = TCPStore('127.0.0.1', port, is_master=True, wait_for_workers=False)
    use(
        TCPStore('127.0.0.1', port, timeout=timedelta(seconds=5)), monkeypatch
    )
    del own
    assert absent_processes(0.5) == []


def test_store_that_hangs_is_not_waited_for(store, monkeypatch):
    class Hung(HashStore):
        def check(self, keys):
            time.sleep(5)

    use(Hung(), monkeypatch)
    start = time.monotonic()
    assert absent_processes(0.1) == []
    assert time.monotonic() - start < 4


def test_errors_of_a_lost_process_are_told_from_others(store):
    assert describe_lost_process(DistError('x')) is not None
    assert describe_lost_process(RuntimeError('shapes differ')) is None
    late = RuntimeError('Timed out waiting 5000ms for recv operation')
    assert '--dist-timeout' in describe_lost_process(late)
    assert '--dist-timeout' not in describe_lost_process(LOST)


def test_one_process_cannot_lose_another():
    assert describe_lost_process(LOST) is None


def outcome(first, folder):
    """What the first process says once the second one is gone."""
    left = time.monotonic()
    assert first.wait(timeout=SECONDS) == 1
    assert time.monotonic() - left < SECONDS
    out = (folder / 'rank_0.out').read_text()
    assert 'Traceback' not in out
    return out


def test_killed_process_ends_the_others_with_a_sentence(tmp_path):
    command = [SCRIPT, 'kill', tmp_path / 'work']
    first, second = start_ranks(2, command, tmp_path, 'pytorch')
    try:
        assert second.wait(timeout=300) == -signal.SIGKILL
        out = outcome(first, tmp_path)
    finally:
        first.kill()
        second.kill()
    assert 'process 0 has lost process 1' in out


def test_process_that_hangs_ends_the_others_with_a_sentence(tmp_path):
    command = [SCRIPT, 'hang', tmp_path / 'work']
    first, second = start_ranks(2, command, tmp_path, 'pytorch')
    try:
        hangs = tmp_path / 'work/hangs'
        for _ in range(3000):
            if hangs.is_file() or first.poll() is not None:
                break
            time.sleep(0.1)
        assert hangs.is_file(), (tmp_path / 'rank_1.out').read_text()[-3000:]
        out = outcome(first, tmp_path)
        assert second.poll() is None
    finally:
        first.kill()
        second.kill()
    assert 'process 0 has lost process 1' in out
    assert '--dist-timeout' in out
