"""What is known of a finished run: commands, machine, time, metrics."""

import math
import os
import platform
import re
import subprocess
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import torch

from mmc2f.files import read_json, write_json
from mmc2f.version import __version__

__all__ = ['Record', 'code_version', 'logged_minutes', 'machine']

TIME = re.compile(r'^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) - mmengine', re.M)


@dataclass(frozen=True)
class Record:
    """A finished test, or training, as it is kept in its folder.

    Args:
        digest: Of the config and all that decides the run.
        seed: Of the training; ``None`` where not known.
        commands: What was run, as typed in a shell.
        machine: What it ran on.
        code: Version and commit of this package.
        minutes: Wall time by the logs.
        metrics: Of the test.
    """

    digest: str
    seed: int | None
    commands: tuple[str, ...]
    machine: str
    code: str
    minutes: float
    metrics: dict[str, float]

    def save(self, path: Path) -> None:
        """Write, so that a file that is there is complete."""
        # A metric of no image is NaN, which JSON does not know.
        metrics = {
            name: value if math.isfinite(value) else None
            for name, value in self.metrics.items()
        }
        write_json(path, {**asdict(self), 'metrics': metrics}, indent=1)

    @classmethod
    def load(cls, path: Path, digest: str) -> 'Record | None':
        """Read; ``None`` where there is no record of this digest.

        Raises:
            ValueError: The file is no record.
        """
        if not path.is_file():
            return None
        values = read_json(path)
        try:
            if values.get('digest') != digest:
                return None
            values['commands'] = tuple(values['commands'])
            values['metrics'] = {
                name: math.nan if value is None else value
                for name, value in values['metrics'].items()
            }
            return cls(**values)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(
                f'{path} is no record of a run ({error}): remove it, and the '
                'run is done again'
            ) from error


def machine(threads: int | None = None) -> str:
    """Processor, cores and threads, or the GPU, and torch.

    Args:
        threads: Of one job; ``None`` for what torch takes by itself.
    """
    cores = available_cores()
    threads = threads or torch.get_num_threads()
    parts = [
        *(_processor(), _counted(cores, 'core'), _counted(threads, 'thread')),
        f'torch {torch.__version__}',
    ]
    if torch.cuda.is_available():
        parts.insert(0, torch.cuda.get_device_name())
    return ', '.join(parts)


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def code_version() -> str:
    """Version of the package, with the commit inside a git checkout."""
    root = Path(__file__).parents[3]
    version = f'mmc2f {__version__}'
    if not (root / '.git').exists():
        return version
    # "-dirty" where files differ from the commit.
    git = ['git', '-C', str(root), 'describe', '--always', '--dirty']
    done = subprocess.run(
        [*git, '--abbrev=8', '--exclude=*'], capture_output=True, text=True
    )
    return f'{version}, commit {done.stdout.strip() or "unknown"}'


def logged_minutes(work_dir: Path) -> float:
    """Minutes from the first to the last line of each log, added up.

    An interrupted training has a log for each part. Starting Python, some
    seconds, is not in it.
    """
    seconds = 0.0
    for path in work_dir.glob('*/*.log'):
        times = TIME.findall(path.read_text(encoding='utf-8'))
        if times:
            first, last = (
                datetime.strptime(t, '%Y/%m/%d %H:%M:%S')
                for t in (times[0], times[-1])
            )
            seconds += (last - first).total_seconds()
    return seconds / 60


def _processor() -> str:
    info = Path('/proc/cpuinfo')
    if info.is_file():
        names = re.findall(r'^model name\s*: (.+)$', info.read_text(), re.M)
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def _counted(count: int, what: str) -> str:
    return f'{count} {what}' + ('' if count == 1 else 's')
