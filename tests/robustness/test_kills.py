"""A few of the kills of ``make robustness``, which see."""

import os
import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name('kill_runs.py')


def test_nothing_is_lost(tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, SCRIPT, tmp_path / 'runs'),
            *('--kills', '4', '--runs', 'ccfr'),
        ],
        capture_output=True,
        text=True,
        cwd=SCRIPT.parents[2],
        env={**os.environ, 'PYTHONPATH': str(SCRIPT.parents[2])},
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    assert '4 kills, and stops by other means:' in done.stdout
    assert re.search(r'^0 differences$', done.stdout, re.MULTILINE)
    for what in ('half', 'iteration', 'open', 'image'):
        assert f'1 ccfr: {what}\n' in done.stdout
