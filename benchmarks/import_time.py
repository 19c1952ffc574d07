"""``import mmc2f`` against ``import mmpretrain``, each in new processes.

Example:
    python -m benchmarks import_time --rounds 10
"""

import subprocess
import sys

from benchmarks.figures import Figure, parser, ratios, report

#: Prints the seconds of the wall's clock and of the processor's.
CODE = (
    'import time; a, b = time.perf_counter(), time.process_time(); '
    'import {}; '
    'print(time.perf_counter() - a, time.process_time() - b)'
)


def main(argv: list[str] | None = None) -> list[Figure]:
    args = parser(__doc__, rounds=7).parse_args(argv)
    column = 1 if args.clock == 'cpu' else 0
    seconds: dict[str, list[float]] = {'mmc2f': [], 'mmpretrain': []}
    for number in range(args.rounds + 1):
        for name, found in seconds.items():
            value = import_seconds(name)[column]
            # The first fills the caches of the file system.
            if number:
                found.append(value)
    figure = Figure(
        row=9,
        work='import mmc2f',
        against='import mmpretrain',
        rounds=ratios(seconds, 'mmc2f', 'mmpretrain'),
        limit=1.1,
    )
    report([figure], args.json)
    return [figure]


def import_seconds(name: str) -> list[float]:
    """Of the wall's clock and of the processor's."""
    done = subprocess.run(
        [sys.executable, '-c', CODE.format(name)],
        check=True,
        capture_output=True,
        text=True,
    )
    return [float(word) for word in done.stdout.split()[-2:]]


if __name__ == '__main__':
    main()
