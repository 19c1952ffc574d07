"""``import mmc2f`` against ``import mmpretrain``, each in new processes.

``import mmc2f`` alone leaves everything for later, so what a program that
predicts imports is compared too.

Example:
    python -m benchmarks import_time --rounds 10
"""

import subprocess
import sys

from benchmarks.figures import Figure, parser, ratios, report

STATEMENTS = {
    'ours': 'import mmc2f',
    'theirs': 'import mmpretrain',
    'our API': 'from mmc2f import C2FInferencer',
    'their API': 'from mmpretrain import ImageClassificationInferencer',
}
#: Prints the seconds of the wall's clock and of the processor's.
CODE = (
    'import time; a, b = time.perf_counter(), time.process_time(); '
    '{}; '
    'print(time.perf_counter() - a, time.process_time() - b)'
)


def main(argv: list[str] | None = None) -> list[Figure]:
    args = parser(__doc__, rounds=7).parse_args(argv)
    column = 1 if args.clock == 'cpu' else 0
    seconds: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for number in range(args.rounds + 1):
        for name, found in seconds.items():
            value = import_seconds(STATEMENTS[name])[column]
            # The first fills the caches of the file system.
            if number:
                found.append(value)
    figures = [
        Figure(
            row=9,
            work=STATEMENTS[ours],
            against=STATEMENTS[theirs],
            rounds=ratios(seconds, ours, theirs),
            limit=1.1,
        )
        for ours, theirs in (('ours', 'theirs'), ('our API', 'their API'))
    ]
    report(figures, args.json)
    return figures


def import_seconds(statement: str) -> list[float]:
    """Of the wall's clock and of the processor's."""
    done = subprocess.run(
        [sys.executable, '-c', CODE.format(statement)],
        check=True,
        capture_output=True,
        text=True,
    )
    return [float(word) for word in done.stdout.split()[-2:]]


if __name__ == '__main__':
    main()
