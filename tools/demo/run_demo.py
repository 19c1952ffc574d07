"""The whole of CCFR on font faces, without any download.

Draws the data, trains a plain classifier and all stages of CCFR, side by
side, builds the gallery, tests, draws two pictures, and prints the table of
both models.

Example:
    python tools/demo/run_demo.py --work-dir work_dirs/demo
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from mmc2f.files.noted_checkpoint import noted_checkpoint

ROOT = Path(__file__).parents[2]
DATA, CHECKPOINTS = ROOT / 'data', ROOT / 'checkpoints'
CONFIG = 'configs/ccfr_fonts.py'
BASELINE = 'configs/baseline_fonts.py'


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Demonstrate CCFR')
    parser.add_argument(
        '--work-dir',
        default='work_dirs/demo',
        help='folder for all results, relative to the repository',
    )
    parser.add_argument(
        '--data-dir',
        type=Path,
        default=DATA,
        help='folder of data sets; the font faces are drawn there',
    )
    parser.add_argument(
        '--checkpoints',
        type=Path,
        default=CHECKPOINTS,
        help='folder of the pretrained weights',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        help='config values to change, as key=value',
    )
    return parser.parse_args(args)


class Tools:
    """The project's tools, each a process, one after the other.

    Args:
        log: File for their output; ``None`` shows it.
        env: Their environment, by default :func:`environment`.
    """

    def __init__(
        self, log: Path | None = None, env: dict[str, str] | None = None
    ) -> None:
        self.log = log
        self.env = env
        self._running: subprocess.Popen | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the tool that runs, and start no other."""
        self._stopped = True
        if self._running is not None:
            self._running.terminate()

    def run(self, *command: object) -> None:
        """Run one tool to its end.

        Raises:
            CalledProcessError: It failed, or was stopped.
        """
        words = [sys.executable, *map(str, command)]
        if self._stopped:
            raise subprocess.CalledProcessError(-1, words)
        if self.log is None:
            print('\n$ python', *command, flush=True)
        with nullcontext() if self.log is None else self.log.open('a') as out:
            self._running = subprocess.Popen(
                words,
                cwd=ROOT,
                env=self.env or environment(),
                stdout=out,
                stderr=out,
            )
            if self._stopped:  # in the meantime
                self._running.terminate()
            if self._running.wait() != 0:
                raise subprocess.CalledProcessError(
                    self._running.returncode, words
                )

    def train_and_test(
        self, config: str, work_dir: Path, testing: Sequence, options: Sequence
    ) -> None:
        """Train a config to its end, then test what it has learned."""
        place = ('--work-dir', work_dir)
        self.run('tools/train.py', config, *place, *options)
        checkpoint = noted_checkpoint(ROOT / work_dir)
        self.run(
            'tools/test.py', config, checkpoint, *place, *testing, *options
        )


@contextmanager
def beside(tools: Tools, *plan: Any) -> Iterator[None]:
    """Train and test a model while the block runs, with a log of its own.

    Two trainings with a part of the cores each end sooner than one after the
    other with all of them. Leaving the block waits for the other model, or
    stops it where the block failed.

    Raises:
        SystemExit: The other model failed.
    """
    log = tools.log
    print(f'\nA plain classifier is trained beside, see {log}', flush=True)
    with ThreadPoolExecutor(max_workers=1) as pool:
        other = pool.submit(tools.train_and_test, *plan)
        try:
            yield
        except BaseException:
            tools.stop()
            raise
        if error := other.exception():
            raise SystemExit(f'{error}\nSee {log}.')


def environment(
    data: Path = DATA, checkpoints: Path = CHECKPOINTS
) -> dict[str, str]:
    """The environment, with folders of the demo's own.

    The user's data sets may be read-only, and have no fonts. The allocator
    is told to keep its memory: by default glibc gives large blocks back to
    the system at once, and a training step spends much of its time on
    getting them anew.
    """
    own = dict(MMC2F_DATA=str(data), MMC2F_CHECKPOINTS=str(checkpoints))
    keep = dict(
        # For two trainings at a time.
        OMP_NUM_THREADS=str(max(1, (os.cpu_count() or 1) // 2)),
        MALLOC_MMAP_MAX_='0',
        MALLOC_TRIM_THRESHOLD_=str(2**40),
        MALLOC_TOP_PAD_=str(2**26),
    )
    return {**keep, **os.environ, **own}


def main(args: list[str] | None = None) -> None:
    """Run the demo."""
    options = parse_args(args)
    start = time.perf_counter()
    work_dir = Path(options.work_dir)
    values = options.cfg_options
    changes = ['--cfg-options', *values] if values else []
    data = options.data_dir
    env = environment(data, options.checkpoints)
    tools = Tools(env=env)
    tools.run('tools/dataset_converters/make_fonts.py', data / 'fonts')
    plain = work_dir / 'plain'
    log = ROOT / plain / 'demo.log'
    log.parent.mkdir(parents=True, exist_ok=True)
    predictions = work_dir / 'predictions.jsonl'
    gallery = work_dir / 'gallery.safetensors'
    (ROOT / gallery).unlink(missing_ok=True)
    outputs = ['--gallery', gallery, '--out', predictions]
    # Where the letters stand is known, to judge the regions by.
    outputs += ['--annotations', data / 'fonts']
    other = Tools(log, env)
    with beside(other, BASELINE, plain, ['--no-rerank'], changes):
        tools.train_and_test(CONFIG, work_dir, outputs, changes)
        draw = ('tools/draw_predictions.py', CONFIG, predictions)
        tools.run(*draw, '--which', 'first', '--num', 1, *changes)
        tools.run(*draw, '--which', 'mended', '--num', 1, *changes)
    tools.run('tools/results_table.py', plain, work_dir)
    print(f'\nThe demo took {time.perf_counter() - start:.0f} s.')


if __name__ == '__main__':
    main()
