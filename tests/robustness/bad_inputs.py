"""Gives bad inputs and faults to the tools, and prints what came of each.

``python tests/robustness/bad_inputs.py FOLDER [--only PATTERN] [--jobs N]``

A tiny experiment is trained and tested in FOLDER; then each case spoils a
copy of one of its files, or the machine, and runs the entry point that meets
it in a process of its own. A row is the case, the entry point, its exit code,
its last line and the verdict, which is computed:

* silent: exit code 0, without the message that the case asks for;
* raw traceback: one of Python in the output;
* code executed: the file that the code of a crafted file makes is there;
* unclear: refused, but not in words that name what is wrong;
* ended: by a signal, of the time limit for instance;
* refused, told: as it should be.

Good inputs go through the same entry points, and files with code are read
with ``--trust``, to show that both are what they are meant to be. The exit
code is 1 where a verdict is not as it should be.
"""

import argparse
import os
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
# A forked process cannot use a GPU that this one has looked at.
os.environ['CUDA_VISIBLE_DEVICES'] = ''

import torch  # noqa: E402
from corpus import all_cases  # noqa: E402
from corpus.bench import save_time, try_cases  # noqa: E402
from corpus.case import BAD, Case, Outcome  # noqa: E402
from corpus.world import make_world  # noqa: E402

# Imported here, once, as each process is a fork.
import mmc2f.datasets  # noqa: E402
import mmc2f.engine  # noqa: E402
import mmc2f.evaluation  # noqa: E402
import mmc2f.models  # noqa: E402
import mmc2f.retrieval  # noqa: E402, F401

WIDTH = 100


def main(args: Sequence[str] | None = None) -> int:
    """Try all cases; 1 where one is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path, help='for all that is written')
    parser.add_argument('--only', default='', help='pattern of cases to try')
    parser.add_argument(
        '--jobs', type=int, default=1, help='cases at a time; default 1'
    )
    parser.add_argument(
        '--show', action='store_true', help='print the whole outputs'
    )
    options = parser.parse_args(args)
    folder = options.folder.resolve()
    torch.set_num_threads(1)
    save_time()
    start = time.monotonic()
    world = make_world(folder / 'good')
    cases = [
        case
        for case in all_cases()
        if re.search(options.only, f'{case.group}, {case.name}')
    ]
    counts: Counter[str] = Counter()
    for case, outcome in try_cases(cases, world, folder, options.jobs):
        verdict = outcome.verdict(case)
        kind = 'controls' if case.is_control else 'inputs'
        counts[kind] += 1
        if verdict in BAD or not case.is_control:
            counts[verdict] += 1
        print(row(case, outcome, verdict), flush=True)
        if options.show:
            print(outcome.output, flush=True)
    seconds = time.monotonic() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(summary(counts, seconds, used.ru_utime + used.ru_stime))
    return int(any(counts[verdict] for verdict in BAD))


def row(case: Case, outcome: Outcome, verdict: str) -> str:
    """Of the table."""
    line = outcome.last_line.replace('|', '/')
    if len(line) > WIDTH:
        line = f'{line[: WIDTH // 2]} ... {line[-WIDTH // 2 :]}'
    cells = (
        f'{case.group}, {case.name}',
        outcome.entry,
        str(outcome.code),
        line,
        verdict,
    )
    return f'| {" | ".join(cells)} |'


def summary(counts: Counter[str], seconds: float, cpu: float) -> str:
    """The counts in a line."""
    kinds = ('refused', 'told', *BAD)
    told = ', '.join(f'{counts[kind]} {kind}' for kind in kinds)
    return (
        f'{counts["inputs"]} bad inputs and faults: {told}; '
        f'{counts["controls"]} controls; {seconds:.0f} s, '
        f'{cpu:.0f} s of a core'
    )


if __name__ == '__main__':
    sys.exit(main())
