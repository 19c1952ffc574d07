"""The group of processes that train or test together."""

import os
import subprocess
from datetime import timedelta
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import init_dist, is_distributed

__all__ = ['start_process_group']

# What each launcher calls what torch.distributed reads.
_VARIABLES = {
    'pytorch': dict(
        RANK='RANK', WORLD_SIZE='WORLD_SIZE', LOCAL_RANK='LOCAL_RANK'
    ),
    'slurm': dict(
        RANK='SLURM_PROCID',
        WORLD_SIZE='SLURM_NTASKS',
        LOCAL_RANK='SLURM_LOCALID',
    ),
    'mpi': dict(
        RANK='OMPI_COMM_WORLD_RANK',
        WORLD_SIZE='OMPI_COMM_WORLD_SIZE',
        LOCAL_RANK='OMPI_COMM_WORLD_LOCAL_RANK',
    ),
}
_STARTED_BY = {
    'pytorch': 'torchrun (tools/dist_train.sh)',
    'slurm': 'srun (tools/slurm_train.sh)',
    'mpi': 'mpirun of Open MPI',
}
_PORT = '29500'


def start_process_group(
    launcher: str,
    backend: str = 'nccl',
    timeout: float | None = None,
    **options: Any,
) -> None:
    """Join the processes that a launcher has started.

    MMEngine does it where there are GPUs. It refuses processes without, which
    join by gloo here. Nothing happens where the group is there already, or
    without a launcher.

    Args:
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        backend: Of ``torch.distributed``; gloo in place of nccl on the CPU.
        timeout: Seconds that a process waits for another one; by default
            those of PyTorch, half an hour, with nccl ten minutes.
        **options: Of MMEngine's ``init_dist``.

    Raises:
        TimeoutError: Not all processes have come in this time.
        ValueError: The launcher has not started this process, or one of MPI
            does not know where the first process is.
    """
    if launcher == 'none' or is_distributed():
        return
    _read_environment(launcher)
    try:
        _join(launcher, backend, timeout, options)
    except torch.distributed.DistError as error:
        reason = str(error).strip().splitlines()[0]
        raise TimeoutError(
            f'process {os.environ["RANK"]} of {os.environ["WORLD_SIZE"]} has '
            'not met the others in time: look whether all were started, and '
            f'with the same MASTER_ADDR and MASTER_PORT ({reason})'
        ) from error


def _join(
    launcher: str,
    backend: str,
    timeout: float | None,
    options: dict[str, Any],
) -> None:
    if timeout is not None:
        options['timeout'] = timeout
    if get_device() != 'cpu':
        init_dist(launcher, backend, **options)
        return
    if timeout is not None:
        options['timeout'] = timedelta(seconds=timeout)
    if launcher == 'slurm':
        _find_first_host(options.pop('port', None))
    torch.distributed.init_process_group(
        'gloo' if backend == 'nccl' else backend, **options
    )


def _read_environment(launcher: str) -> None:
    """Set what torch.distributed reads from what the launcher has set."""
    names = _VARIABLES[launcher]
    missing = [name for name in names.values() if name not in os.environ]
    if missing:
        raise ValueError(
            f"launcher '{launcher}' has not set {', '.join(missing)}: start "
            f'the processes with {_STARTED_BY[launcher]}, or leave out '
            '--launcher for one process'
        )
    for name, source in names.items():
        os.environ[name] = os.environ[source]
    if launcher != 'mpi':
        return
    os.environ.setdefault('MASTER_PORT', _PORT)
    if 'MASTER_ADDR' not in os.environ:
        of_host = os.environ.get('OMPI_COMM_WORLD_LOCAL_SIZE')
        if of_host != os.environ['WORLD_SIZE']:
            raise ValueError(
                "launcher 'mpi' needs MASTER_ADDR, the host of the first "
                'process, where there are several: mpirun -x MASTER_ADDR=...'
            )
        os.environ['MASTER_ADDR'] = '127.0.0.1'


def _find_first_host(port: int | None) -> None:
    """Where the first task of a slurm job runs, and at which port."""
    if port is not None:
        os.environ['MASTER_PORT'] = str(port)
    os.environ.setdefault('MASTER_PORT', _PORT)
    if 'MASTER_ADDR' not in os.environ:
        hosts = subprocess.run(
            ['scontrol', 'show', 'hostnames', os.environ['SLURM_NODELIST']],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        os.environ['MASTER_ADDR'] = hosts.splitlines()[0]
