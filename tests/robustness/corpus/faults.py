"""What happens to a run from outside: signals, disks, other runs."""

import ctypes
import os
import resource
import signal

from held_work_dir import held
from moments import Moment, arm

from corpus.bench import Bench
from corpus.case import Case

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (('version', ctypes.c_uint32), ('pid', ctypes.c_int))


class _Capabilities(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint32)
        for name in ('effective', 'permitted', 'inheritable')
    )


def without_override() -> None:
    """Have the modes of files hold for root too, in this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = _Header(_VERSION_3, 0)
    sets = (_Capabilities * 2)()
    if libc.capget(ctypes.byref(header), sets):
        raise OSError(ctypes.get_errno(), 'capget')
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        sets[0].effective &= ~(1 << capability)
    if libc.capset(ctypes.byref(header), sets):
        raise OSError(ctypes.get_errno(), 'capset')


def diverging(bench: Bench) -> None:
    bench.train(
        *('learning_rate=1e30', 'optim_wrapper.clip_grad=None'),
    )


def two_runs(bench: Bench) -> None:
    with held(bench.folder / 'work'):
        bench.train()


def full_disk(bench: Bench) -> None:
    arm(Moment('full', 1))
    bench.train()


def full_disk_of_gallery(bench: Bench) -> None:
    limit_files(bench.world.gallery.stat().st_size - 1000)
    bench.test(bench.world.checkpoint, '--gallery', 'gallery.safetensors')


def full_from_the_start(bench: Bench) -> None:
    """There is no place for the log either."""
    limit_files(4000)
    bench.test(bench.world.checkpoint)


def limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def stopped_by(number: int):
    """The signal comes in the first iteration."""

    def run(bench: Bench) -> None:
        from mmc2f.engine import StagedTrainLoop

        run_iter = StagedTrainLoop.run_iter

        def run_and_stop(loop, idx, data_batch):
            run_iter(loop, idx, data_batch)
            os.kill(os.getpid(), number)

        StagedTrainLoop.run_iter = run_and_stop
        bench.train()

    return run


CASES = [
    Case('loss that is NaN', diverging, 'NaN|nan|inf'),
    Case('two runs in a work dir', two_runs, 'work is in use by another tra'),
    Case('full disk, checkpoint', full_disk, r'not written.*epoch_1\.pth'),
    Case('full disk from the start', full_from_the_start, 'make room on the'),
    Case(
        'full disk, gallery',
        full_disk_of_gallery,
        r'gallery\.safetensors.*not written|not written.*gallery\.safet',
    ),
    Case('Ctrl-C', stopped_by(signal.SIGINT), r'stopped by SIGINT .*--resume'),
    Case('SIGTERM', stopped_by(signal.SIGTERM), r'stopped by SIGTERM .*--res'),
]
