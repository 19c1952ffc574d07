"""What the programs of this folder share: how they measure and report."""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = [
    'Figure',
    'exponent',
    'facts',
    'interleaved',
    'parser',
    'ratios',
    'report',
]

#: Of the wall, or of the processor, which leaves other programs out.
CLOCKS = {'wall': time.perf_counter, 'cpu': time.process_time}


@dataclass(frozen=True)
class Figure:
    """A ratio that was measured in several rounds.

    Attributes:
        row: Of the table of performance.
        work: What was measured.
        against: What it is divided by.
        rounds: The ratio of each round.
        limit: What the median is to reach, or None where nothing is asked.
        at_least: Whether the limit is a lower one.
        note: What else there is to know.
    """

    row: int
    work: str
    against: str
    rounds: Sequence[float]
    limit: float | None = None
    at_least: bool = False
    note: str = ''

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def holds(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        if self.limit is None:
            return None
        if self.at_least:
            return self.median >= self.limit
        return self.median <= self.limit

    def line(self) -> str:
        """For the terminal."""
        low, high = min(self.rounds), max(self.rounds)
        words = f'{self.work} / {self.against}: {self.median:.3f}'
        words += f' ({low:.3f} to {high:.3f})'
        if self.limit is not None:
            side = 'at least' if self.at_least else 'at most'
            verdict = 'holds' if self.holds else 'MISSED'
            words += f', {side} {self.limit}: {verdict}'
        return f'row {self.row}: {words}{self.note and f"; {self.note}"}'


def parser(description: str | None, rounds: int) -> argparse.ArgumentParser:
    """The options that every program has."""
    made = argparse.ArgumentParser(
        description=(description or '').splitlines()[0]
    )
    made.add_argument('--rounds', type=int, default=rounds)
    made.add_argument('--threads', type=int, help='default: all cores')
    made.add_argument(
        '--clock',
        choices=CLOCKS,
        default='wall',
        help='cpu: time of the processor, where other programs run too',
    )
    made.add_argument('--json', metavar='FILE', help='write the figures')
    return made


def set_threads(threads: int | None) -> None:
    """Computing threads of torch; None leaves them."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)


def interleaved(
    functions: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: str = 'wall',
    warmup: int = 1,
) -> dict[str, list[float]]:
    """Seconds of each function in each round, one after the other.

    A machine's speed drifts, so what is compared is measured side by side.
    """
    now = CLOCKS[clock]
    for _ in range(warmup):
        for function in functions.values():
            function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = now()
            function()
            seconds[name].append(now() - start)
    return seconds


def ratios(
    seconds: Mapping[str, Sequence[float]], work: str, against: str
) -> list[float]:
    """Of each round."""
    pairs = zip(seconds[work], seconds[against], strict=True)
    return [a / b for a, b in pairs]


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """p of ``value ~ size ** p``."""
    import numpy as np

    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def facts() -> dict[str, Any]:
    """The machine, and how busy it is."""
    return dict(
        machine=platform.machine(),
        processor=_processor(),
        cores=os.cpu_count(),
        load=os.getloadavg()[0],
    )


def report(figures: Sequence[Figure], file: str | None = None) -> None:
    """Print the figures, and write them where a file is named."""
    for figure in figures:
        print(figure.line(), flush=True)
    if file is not None:
        measured = [asdict(figure) for figure in figures]
        Path(file).write_text(json.dumps(dict(facts(), figures=measured)))


def _processor() -> str:
    """Name of the processor, where Linux tells it."""
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [x.partition(':')[2] for x in lines if x.startswith('model name')]
    return names[0].strip() if names else platform.processor()
