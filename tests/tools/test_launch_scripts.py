import os
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / 'tools'
# Prints the arguments it is called with, one per line.
RECORDER = '#!/bin/sh\nfor a in "$@"; do printf "%s\\n" "$a"; done\n'


@pytest.fixture
def launch(tmp_path):
    """Runs a script with ``srun`` and Python replaced by a recorder."""
    for name in ('srun', 'python'):
        path = tmp_path / name
        path.write_text(RECORDER)
        path.chmod(0o755)

    def run(script: str, *args: str, **environment: str):
        path = f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'
        return subprocess.run(
            [TOOLS / script, *args],
            env={'PATH': path, **environment},
            capture_output=True,
            text=True,
        )

    return run


def test_dist_train_starts_one_process_per_gpu(launch):
    words = launch('dist_train.sh', 'c.py', '4', '--amp').stdout.splitlines()
    assert words[:2] == ['-m', 'torch.distributed.run']
    assert '--nproc_per_node=4' in words
    assert '--nnodes=1' in words
    assert words[-5:] == [
        str(TOOLS / 'train.py'),
        'c.py',
        '--launcher',
        'pytorch',
        '--amp',
    ]


def test_dist_train_takes_its_place_among_machines(launch):
    output = launch(
        *('dist_train.sh', 'c.py', '8'),
        NNODES='2',
        NODE_RANK='1',
        PORT='29501',
        MASTER_ADDR='10.1.1.1',
    ).stdout.splitlines()
    assert {
        '--nnodes=2',
        '--node_rank=1',
        '--master_port=29501',
        '--master_addr=10.1.1.1',
    } <= set(output)


def test_dist_test_hands_on_the_checkpoint(launch):
    words = launch('dist_test.sh', 'c.py', 'w.pth', '2').stdout.splitlines()
    assert '--nproc_per_node=2' in words
    assert words[-5:] == [
        str(TOOLS / 'test.py'),
        'c.py',
        'w.pth',
        '--launcher',
        'pytorch',
    ]


def test_slurm_train_asks_for_what_it_is_told(launch):
    words = launch(
        *('slurm_train.sh', 'gpu', 'birds', 'c.py', 'out dir', '--amp'),
        GPUS='4',
        SRUN_ARGS='--quotatype=auto --exclusive',
    ).stdout.splitlines()
    assert {
        '--partition=gpu',
        '--job-name=birds',
        '--gres=gpu:4',
        '--ntasks=4',
        '--ntasks-per-node=4',
        '--quotatype=auto',
        '--exclusive',
    } <= set(words)
    assert words[-6:] == [
        'c.py',
        '--work-dir',
        'out dir',
        '--launcher',
        'slurm',
        '--amp',
    ]


def test_slurm_test_spreads_over_nodes(launch):
    words = launch(
        'slurm_test.sh', 'gpu', 'birds', 'c.py', 'w.pth', GPUS='16'
    ).stdout.splitlines()
    assert {'--ntasks=16', '--ntasks-per-node=8', '--gres=gpu:8'} <= set(words)
    assert words[-4:] == ['c.py', 'w.pth', '--launcher', 'slurm']


@pytest.mark.parametrize(
    ('script', 'too_few'),
    [
        ('dist_train.sh', ['c.py']),
        ('dist_test.sh', ['c.py', 'w.pth']),
        ('slurm_train.sh', ['gpu', 'birds', 'c.py']),
        ('slurm_test.sh', ['gpu', 'birds', 'c.py']),
    ],
)
def test_too_few_arguments_show_the_usage(launch, script, too_few):
    done = launch(script, *too_few)
    assert done.returncode != 0
    assert f'usage: tools/{script}' in done.stderr
