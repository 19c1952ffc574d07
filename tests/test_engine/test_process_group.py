"""Processes without a GPU find each other, and say what they lack."""

import os

import pytest
import torch
from ranks import VARIABLES, free_port, of_launcher

from mmc2f.engine import process_group, start_process_group


@pytest.fixture
def environ(monkeypatch):
    """Environment of a machine without GPU, which a test may change."""
    own = os.environ.copy()
    for name in {name for names in VARIABLES.values() for name in names}:
        own.pop(name, None)
    monkeypatch.setattr(os, 'environ', own)
    monkeypatch.setattr(process_group, 'get_device', lambda: 'cpu')
    yield own
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@pytest.fixture
def group(environ, monkeypatch):
    """Takes the place of joining, and notes down how it was asked to."""
    asked = {}

    def join(backend, **options):
        asked.update(options, backend=backend)

    monkeypatch.setattr(torch.distributed, 'init_process_group', join)
    return asked


@pytest.mark.parametrize('launcher', list(VARIABLES))
def test_process_joins_as_the_launcher_says(launcher, environ, group):
    environ.update(of_launcher(launcher, rank=1, count=3, port=1234))
    start_process_group(launcher, timeout=5)
    assert (environ['RANK'], environ['WORLD_SIZE']) == ('1', '3')
    assert environ['LOCAL_RANK'] == '1'
    assert environ['MASTER_ADDR'] == '127.0.0.1'
    assert environ['MASTER_PORT'] == '1234'
    assert group['backend'] == 'gloo'
    assert group['timeout'].total_seconds() == 5


def test_first_host_of_a_slurm_job_is_asked_for(
    environ, group, tmp_path, monkeypatch
):
    environ.update(of_launcher('slurm', rank=0, count=2, port=1234))
    for name in ('MASTER_ADDR', 'MASTER_PORT'):
        del environ[name]
    environ['SLURM_NODELIST'] = 'node[3-4]'

    def answer(command, **_):
        assert command[-1] == 'node[3-4]'
        return type('Done', (), dict(stdout='node3\nnode4\n'))

    monkeypatch.setattr(process_group.subprocess, 'run', answer)
    start_process_group('slurm', port=77)
    assert environ['MASTER_ADDR'] == 'node3'
    assert environ['MASTER_PORT'] == '77'


def test_gpus_are_left_to_the_host(environ, monkeypatch):
    environ.update(of_launcher('pytorch', rank=0, count=2, port=1234))
    asked = []
    monkeypatch.setattr(process_group, 'get_device', lambda: 'cuda')
    monkeypatch.setattr(
        process_group,
        'init_dist',
        lambda *args, **kw: asked.append((args, kw)),
    )
    start_process_group('pytorch', backend='nccl', timeout=9)
    assert asked == [(('pytorch', 'nccl'), dict(timeout=9))]


@pytest.mark.parametrize('launcher', list(VARIABLES))
def test_process_that_no_launcher_started_is_told(launcher, environ):
    with pytest.raises(ValueError, match='leave out --launcher'):
        start_process_group(launcher)


def test_mpi_on_several_hosts_needs_the_first(environ):
    environ.update(of_launcher('mpi', rank=0, count=4, port=1234))
    environ['OMPI_COMM_WORLD_LOCAL_SIZE'] = '2'
    with pytest.raises(ValueError, match='needs MASTER_ADDR'):
        start_process_group('mpi')


def test_one_process_needs_no_group(environ):
    start_process_group('none')
    assert not torch.distributed.is_initialized()


def test_second_start_changes_nothing(environ):
    environ.update(of_launcher('pytorch', rank=0, count=1, port=free_port()))
    start_process_group('pytorch')
    start_process_group('pytorch')
    assert torch.distributed.get_world_size() == 1


def test_processes_that_do_not_come_are_waited_for_in_vain(environ):
    environ.update(of_launcher('pytorch', rank=0, count=2, port=free_port()))
    text = 'process 0 of 2 has not met the others in time'
    with pytest.raises(TimeoutError, match=text):
        start_process_group('pytorch', timeout=1)
