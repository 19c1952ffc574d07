"""Kills trainings and tests, starts them again, and looks for what was lost.

``python tests/robustness/kill_runs.py FOLDER [--kills 20] [--seed 0]``

Tiny trainings of CCFR and MLPH with random transforms and loader workers, and
tests that build a gallery, are killed at moments drawn by the seed: in
iterations of each stage, in the middle of writing a checkpoint, before it is
put in place, before the old one is removed, at the opening of any file, while
a gallery is built and while it is written. Some are stopped by SIGTERM, some
by a full disk. Each is started again with the same command until it comes to
its end. Checkpoints, validations, metrics,
predictions and galleries must be those of a run that nobody disturbed, bit
for bit. It prints what it did; its exit code is 1 where they are not.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from forked_runs import ENDS, Run  # noqa: E402
from moments import Moment  # noqa: E402
from tiny_runs import EPOCHS, ITERATIONS  # noqa: E402


def main(args: Sequence[str] | None = None) -> int:
    """Kill as often as asked; 1 where something was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path, help='for all that is written')
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--runs', nargs='+', default=list(EPOCHS), choices=list(EPOCHS)
    )
    args = parser.parse_args(args)
    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)
    whole = {name: Run(args.folder / name, name) for name in args.runs}
    for run in whole.values():
        run.train()
        run.test()
    done: Counter[str] = Counter()
    lost: list[str] = []
    for number, name in enumerate(cycle(args.runs), 1):
        left = args.kills - count_kills(done)
        if left <= 0:
            break
        run = Run(
            args.folder / f'{name}_killed_{number}', name, whole[name].config
        )
        moments = draw_moments(name, rng)
        # Of few, some are to be left for the test.
        run.train(moments[0][: max(1, left - 1)])
        run.test(moments[1][: max(0, left - count_kills(run.done))])
        done += run.done
        lost += run.differences(whole[name])
        print(f'{run.folder.name}: killed {count_kills(run.done)} times')
    print(f'{count_kills(done)} kills, and stops by other means:')
    for what, count in sorted(done.items()):
        print(f'{count:4} {what}')
    print(f'{len(lost)} differences', *lost, sep='\n')
    return int(bool(lost))


def count_kills(done: Counter[str]) -> int:
    """How many of the moments were a ``kill -9``."""
    return sum(
        count
        for what, count in done.items()
        if what.rpartition(' ')[2] not in ENDS
    )


def draw_moments(
    name: str, rng: np.random.Generator
) -> tuple[list[Moment], list[Moment]]:
    """Of a training and of a test, in the order in which they can come."""
    files = [
        Moment('half', 1),
        Moment('open', int(rng.integers(1, 400))),
        Moment('rename', int(rng.integers(1, 4))),
        Moment('remove', int(rng.integers(1, 6))),
        Moment('full', 1),
    ]
    moments, begin = [], 0
    for stage, epochs in enumerate(EPOCHS[name]):
        end = begin + epochs * ITERATIONS[name]
        # The first epoch of the stage is saved by then.
        iteration = int(rng.integers(begin + ITERATIONS[name], end))
        kind = 'stop' if stage == 1 else 'iteration'
        moments += [files[stage], Moment(kind, iteration)]
        begin = end
    image = Moment('image', int(rng.integers(1, 16)))
    tests = [image, Moment('rename', int(rng.integers(1, 3)))]
    return moments + files[len(EPOCHS[name]) :], tests


if __name__ == '__main__':
    sys.exit(main())
