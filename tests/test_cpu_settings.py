"""Memory and threads of a process that trains on the CPU."""

import os
import subprocess
import sys

import pytest
import torch
from tool_helpers import ROOT

from mmc2f import cpu_settings
from mmc2f.cpu_settings import keep_freed_memory, prepare_cpu, usable_cores

#: Page faults of ten blocks of 64 MiB, written to and freed.
FAULTS = """
import ctypes, resource, runpy, sys
settings = runpy.run_path(sys.argv[1])
if sys.argv[2] == 'keep':
    print(settings['keep_freed_memory']())
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
size = 1 << 26
def use():
    block = libc.malloc(size)
    ctypes.memset(block, 1, size)
    libc.free(block)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.fixture
def clean(monkeypatch):
    """An environment in which the user has settled nothing."""
    own = (*cpu_settings.OWN_ALLOCATOR, *cpu_settings.OWN_THREADS)
    for name in list(os.environ):
        if name.startswith(own):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.skipif(
    cpu_settings._mallopt() is None, reason='the allocator is not of glibc'
)
def test_freed_memory_is_not_cleared_anew(clean):
    def faults(way):
        done = subprocess.run(
            [
                *(sys.executable, '-c', FAULTS),
                *(str(ROOT / 'mmc2f' / 'cpu_settings.py'), way),
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.split('\n')[-2], done.stdout

    given_back, _ = faults('default')
    kept, said = faults('keep')
    assert 'is kept' in said
    # A page is 4 KiB or more; huge pages fault less.
    assert int(kept) < 50 and int(given_back) > 10 * max(int(kept), 1)


@pytest.mark.parametrize(
    'name', ['MALLOC_ARENA_MAX', 'GLIBC_TUNABLES', 'LD_PRELOAD']
)
def test_own_settings_of_the_allocator_stay(clean, name):
    clean.setattr(cpu_settings, '_mallopt', None)
    clean.setenv(name, '')
    assert keep_freed_memory() == f'memory as {name} says'


def test_other_allocators_are_left_alone(clean):
    for found in (None, lambda *_: 0):
        clean.setattr(cpu_settings, '_mallopt', lambda found=found: found)
        assert keep_freed_memory() == 'memory as the system keeps it'


def test_cores_are_those_of_affinity_and_cgroup(clean, tmp_path):
    cores = len(os.sched_getaffinity(0))
    assert usable_cores(tmp_path) == cores
    for text, expected in (
        ('max 100000\n', cores),
        ('150000 100000\n', 1),
        ('20000 100000\n', 1),
        ('100000000 100000\n', cores),
        ('', cores),
    ):
        (tmp_path / 'cpu.max').write_text(text)
        assert usable_cores(tmp_path) == expected, text
    # The older version.
    (tmp_path / 'cpu.max').unlink()
    (tmp_path / 'cpu').mkdir()
    (tmp_path / 'cpu' / 'cpu.cfs_period_us').write_text('100000')
    for text, expected in (('-1', cores), ('100000', 1), ('none', cores)):
        (tmp_path / 'cpu' / 'cpu.cfs_quota_us').write_text(text)
        assert usable_cores(tmp_path) == expected, text


def test_threads_are_no_more_than_cores(clean):
    clean.setattr(cpu_settings, '_mallopt', lambda: None)
    clean.setattr(torch.cuda, 'is_available', lambda: False)
    clean.setattr(cpu_settings, 'usable_cores', lambda: 1)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        clean.setenv('OMP_NUM_THREADS', '2')
        assert '2 thread(s), by OMP_NUM_THREADS;' in prepare_cpu()
        assert torch.get_num_threads() == 2
        clean.delenv('OMP_NUM_THREADS')
        assert 'CPU: 1 thread(s), of 1 usable cores;' in prepare_cpu()
        assert torch.get_num_threads() == 1
        clean.setattr(torch.cuda, 'is_available', lambda: True)
        assert prepare_cpu() is None
    finally:
        torch.set_num_threads(before)
