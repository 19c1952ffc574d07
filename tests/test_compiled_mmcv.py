"""Where the wheel of mmcv with ops comes from in ``make test-mmdet``."""

import os
import subprocess
import sys
from pathlib import Path

import torch

SCRIPT = Path(__file__).parents[1] / '.ci' / 'compiled_mmcv.sh'


def ask(wheelhouse, version='2.3.6', **environment):
    return subprocess.run(
        ['bash', SCRIPT, sys.executable, version, wheelhouse],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def put_wheel(wheelhouse, version='2.3.6', tag=None):
    tag = tag or 'cp{}{}'.format(*sys.version_info)
    folder = wheelhouse / f'torch-{torch.__version__}'
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f'onedl_mmcv-{version}-{tag}-{tag}-linux_x86_64.whl'
    wheel.touch()
    return wheel


def test_a_kept_wheel_is_used_again(tmp_path):
    wheel = put_wheel(tmp_path)
    done = ask(tmp_path, CXX='no_such_compiler')
    assert done.returncode == 0, done.stderr
    assert done.stdout == f'{wheel.resolve()}\n'


def test_without_a_compiler_it_says_what_to_do(tmp_path):
    # Of another version, of another Python, and without ops.
    put_wheel(tmp_path, version='2.3.5')
    put_wheel(tmp_path, tag='cp39')
    put_wheel(tmp_path, tag='py3')
    done = ask(tmp_path, CXX='no_such_compiler')
    assert done.returncode == 1
    assert done.stdout == ''
    assert "no compiler 'no_such_compiler': install one" in done.stderr
    assert str(tmp_path.resolve()) in done.stderr
