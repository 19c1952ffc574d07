"""The whole corpus of bad inputs, and what its verdicts rest on."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name('bad_inputs.py')
sys.path.insert(0, str(SCRIPT.parent))

from corpus.case import BAD, TRACEBACK, Case, Outcome  # noqa: E402

LEAST = 100


def test_no_input_is_silent_raw_or_run(tmp_path):
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / 'runs', '--jobs', '2'],
        capture_output=True,
        text=True,
        cwd=SCRIPT.parents[2],
        env={**os.environ, 'PYTHONPATH': str(SCRIPT.parents[2])},
    )
    rows = [line for line in done.stdout.splitlines() if line[:1] == '|']
    bad = [row for row in rows if row.endswith(tuple(f'{v} |' for v in BAD))]
    assert not bad, '\n'.join(bad)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    found = re.search(
        r'^(\d+) bad inputs and faults: (\d+) refused, (\d+) told, 0 silent, '
        r'0 raw traceback, 0 code executed, 0 unclear, 0 ended; (\d+) contr',
        done.stdout,
        re.MULTILINE,
    )
    inputs, refused, told, controls = map(int, found.groups())
    assert refused + told == inputs >= LEAST
    assert inputs + controls == len(rows)


REFUSAL = Case('bad', print, r'a\.pth is empty')
TOLD = Case('bad', print, 'skipped a.png', refuses=False)
CONTROL = Case('crafted', print, 'done', refuses=False, executes=True)


@pytest.mark.parametrize(
    ('case', 'code', 'output', 'executed', 'verdict'),
    [
        (REFUSAL, 1, 'log\na.pth is empty\n', False, 'refused'),
        (REFUSAL, 1, 'a.pth is empty\nother\n', False, 'unclear'),
        (REFUSAL, 1, 'x is empty\n', False, 'unclear'),
        (REFUSAL, 0, 'a.pth is empty\n', False, 'silent'),
        (REFUSAL, 1, f'{TRACEBACK}:\na.pth is empty', False, 'raw traceback'),
        (REFUSAL, 1, 'a.pth is empty', True, 'code executed'),
        (REFUSAL, -9, 'a.pth is empty', False, 'ended'),
        (TOLD, 0, 'it\nskipped\na.png. done', False, 'told'),
        (TOLD, 0, 'done', False, 'silent'),
        (TOLD, 1, 'skipped a.png', False, 'unclear'),
        (CONTROL, 0, 'done', True, 'told'),
        (CONTROL, 0, 'done', False, 'unclear'),
    ],
)
def test_verdicts_are_computed(case, code, output, executed, verdict):
    outcome = Outcome(code, output, executed, 'test.py')
    assert outcome.verdict(case) == verdict


def test_last_line_is_the_last_that_is_not_empty():
    assert Outcome(1, 'a\n b \n \n', False, '').last_line == 'b'
    assert Outcome(1, '', False, '').last_line == ''
