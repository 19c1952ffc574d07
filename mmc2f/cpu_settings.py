"""What a training on a CPU needs of the process, without being told.

A step allocates and frees the same large blocks again and again. By default
glibc gives each back to the system and asks for it anew, and the system then
clears every page of it. Kept, a step of a depthwise network takes about half
the time (``benchmarks/cpu_defaults.py``). And PyTorch counts the cores of the
machine, not those that a container may use.

Neither changes a result but by rounding, and nothing is measured at start: by
another number of threads on another day sums would round otherwise, and a
resumed training would not end bit for bit as one that was never stopped.
"""

import ctypes
import os
import sys
from pathlib import Path

__all__ = ['keep_freed_memory', 'prepare_cpu', 'usable_cores']

# Of glibc's malloc.h.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
#: Blocks from the heap and not mapped one by one; never given back; and the
#: heap grows by so many bytes at a time.
SETTINGS = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, -1), (M_TOP_PAD, 1 << 26))
#: By which a user, or another allocator, has settled it.
OWN_ALLOCATOR = ('MALLOC_', 'GLIBC_TUNABLES', 'LD_PRELOAD')
OWN_THREADS = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS')
CGROUPS = Path('/sys/fs/cgroup')


def prepare_cpu() -> str | None:
    """Settle memory and threads of this process for work on the CPU.

    Where ``OMP_NUM_THREADS`` is set, the threads are the user's; where any
    ``MALLOC_...`` variable, ``GLIBC_TUNABLES`` or ``LD_PRELOAD`` is, so is
    the memory.

    Returns:
        What was chosen, in one line; ``None`` where there is a GPU, and
        nothing is done.
    """
    import torch

    if torch.cuda.is_available():
        return None
    cores = usable_cores()
    by_user = next((name for name in OWN_THREADS if name in os.environ), None)
    if by_user is None and torch.get_num_threads() > cores:
        torch.set_num_threads(cores)
    threads = torch.get_num_threads()
    reason = f'by {by_user}' if by_user else f'of {cores} usable cores'
    kept = keep_freed_memory()
    return f'CPU: {threads} thread(s), {reason}; {kept}; float32'


def keep_freed_memory() -> str:
    """Have glibc keep what is freed for the next step.

    The process then holds the most memory that it once had.

    Returns:
        What was done, in words.
    """
    for name in os.environ:
        if name.startswith(OWN_ALLOCATOR):
            return f'memory as {name} says'
    mallopt = _mallopt()
    if mallopt is None or not all(mallopt(*pair) for pair in SETTINGS):
        return 'memory as the system keeps it'
    return 'freed memory is kept for the next step'


def usable_cores(root: Path = CGROUPS) -> int:
    """Cores that this process may use, by its affinity and its cgroup.

    Args:
        root: Where cgroups are mounted.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, 'sched_getaffinity'):
        cores = len(os.sched_getaffinity(0))
    quota = _quota(root)
    # Half a core more is no use to another thread.
    return cores if quota is None else max(1, min(cores, int(quota)))


def _quota(root: Path) -> float | None:
    """Cores that the cgroup grants; None without a limit."""
    try:
        # Version 2; 'max' is no number.
        limit, period = (root / 'cpu.max').read_text().split()[:2]
    except (OSError, ValueError):
        folder = root / 'cpu'
        try:
            limit = (folder / 'cpu.cfs_quota_us').read_text()
            period = (folder / 'cpu.cfs_period_us').read_text()
        except OSError:
            return None
    try:
        share = float(limit) / float(period)
    except (ValueError, ZeroDivisionError):
        return None
    return share if share > 0 else None


def _mallopt():
    """glibc's; None where the process has another allocator."""
    if sys.platform != 'linux':
        return None
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 (musl has none)
        return library.mallopt
    except (OSError, AttributeError):
        return None
