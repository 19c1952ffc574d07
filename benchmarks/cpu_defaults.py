"""A training step on the CPU as a user starts it, and without our settings.

EfficientNet-Lite0 at batch 32, each way in a process of its own without any
``MALLOC_`` variable or ``OMP_NUM_THREADS``: with what ``tools/train.py``
settles (``mmc2f/cpu_settings.py``), and as torch and glibc are by default.

Example:
    python -m benchmarks cpu_defaults --rounds 3
"""

import os
import subprocess
import sys

from benchmarks.figures import CLOCKS, Figure, parser, ratios, report

OWN = ('MALLOC_', 'OMP_', 'MKL_', 'GLIBC_TUNABLES')


def measure(settled: bool, steps: int, clock: str) -> float:
    """Seconds of a step, in this process."""
    from benchmarks.cpu_training_step import measure as step_seconds
    from mmc2f.cpu_settings import prepare_cpu

    if settled:
        prepare_cpu()
    now = CLOCKS[clock]
    # The backbone of the shipped configs, with its channels last.
    return step_seconds(True, steps, now)


def run(settled: bool, steps: int, clock: str) -> float:
    """The same in a process as a user starts it."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(OWN)
    }
    words = ['--only', str(int(settled)), '--steps', str(steps)]
    words += ['--clock', clock]
    done = subprocess.run(
        [sys.executable, '-m', 'benchmarks', 'cpu_defaults', *words],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.split()[-1])


def main(argv: list[str] | None = None) -> list[Figure]:
    options = parser(__doc__, rounds=3)
    options.add_argument('--steps', type=int, default=3)
    options.add_argument('--only', type=int, choices=(0, 1))
    args = options.parse_args(argv)
    if args.only is not None:
        print(measure(bool(args.only), args.steps, args.clock))
        return []
    seconds: dict[str, list[float]] = {'settled': [], 'default': []}
    for _ in range(args.rounds):
        for name, found in seconds.items():
            found.append(run(name == 'settled', args.steps, args.clock))
    figure = Figure(
        row=12,
        work='training step as tools/train.py starts it',
        against='without its settings of memory and threads',
        rounds=ratios(seconds, 'settled', 'default'),
        limit=0.5,
    )
    report([figure], args.json)
    return [figure]


if __name__ == '__main__':
    main()
