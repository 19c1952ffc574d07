"""Processes that train or test together, as launchers start them."""

import os
import random
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tool_helpers import ROOT

#: The network of this machine alone, as gloo takes it.
LOOPBACK = next(
    name for _, name in socket.if_nameindex() if name.startswith('lo')
)
#: Ports that no system hands out by itself, so that none of them is taken
#: between the moment it is found free and the start of the process that it
#: is for: below those of connections (from 32768 on Linux, 49152 elsewhere).
PORTS = range(20000, 32000)

#: What each launcher tells a process of its rank, their number and its port.
VARIABLES = {
    'pytorch': dict(
        RANK='{rank}',
        LOCAL_RANK='{rank}',
        WORLD_SIZE='{count}',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT='{port}',
    ),
    'slurm': dict(
        SLURM_PROCID='{rank}',
        SLURM_LOCALID='{rank}',
        SLURM_NTASKS='{count}',
        SLURM_NODELIST='localhost',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT='{port}',
    ),
    'mpi': dict(
        OMPI_COMM_WORLD_RANK='{rank}',
        OMPI_COMM_WORLD_LOCAL_RANK='{rank}',
        OMPI_COMM_WORLD_SIZE='{count}',
        OMPI_COMM_WORLD_LOCAL_SIZE='{count}',
        MASTER_PORT='{port}',
    ),
}


def free_port() -> int:
    """A port of this machine that nobody listens at.

    Tests run side by side: each process of theirs begins elsewhere.
    """
    drawn = random.Random()
    while True:
        port = drawn.choice(PORTS)
        with socket.socket() as free:
            try:
                free.bind(('127.0.0.1', port))
            except OSError:
                continue
            return port


def of_launcher(launcher: str, rank: int, count: int, port: int) -> dict:
    """Environment variables that the launcher sets."""
    return {
        name: text.format(rank=rank, count=count, port=port)
        for name, text in VARIABLES[launcher].items()
    }


def environment(**variables: str) -> dict[str, str]:
    """Of a process without GPU that imports this checkout and these tests."""
    path = os.pathsep.join([str(ROOT), str(ROOT / 'tests')])
    return {
        **os.environ,
        'CUDA_VISIBLE_DEVICES': '',
        'GLOO_SOCKET_IFNAME': LOOPBACK,
        'OMP_NUM_THREADS': '1',
        'PYTHONPATH': path,
        **variables,
    }


def start_ranks(
    count: int, command: Sequence[object], folder: Path, launcher: str
) -> list[subprocess.Popen]:
    """Start a Python program ``count`` times, in a folder.

    What rank r prints goes to ``rank_r.out`` there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    ranks = []
    for rank in range(count):
        variables = of_launcher(launcher, rank, count, port)
        with (folder / f'rank_{rank}.out').open('w') as out:
            ranks.append(
                subprocess.Popen(
                    [sys.executable, *map(str, command)],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    env=environment(**variables),
                )
            )
    return ranks


def run_ranks(
    count: int, command: Sequence[object], folder: Path, launcher: str
) -> None:
    """Run a Python program ``count`` times, to a good end."""
    ranks = start_ranks(count, command, folder, launcher)
    try:
        codes = [rank.wait(timeout=600) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    texts = [(folder / f'rank_{i}.out').read_text() for i in range(count)]
    assert codes == [0] * count, '\n'.join(text[-3000:] for text in texts)
