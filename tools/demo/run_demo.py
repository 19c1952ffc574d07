"""The whole of CCFR on font faces, without any download.

Draws the data, trains a plain classifier and all stages of CCFR, builds the
gallery, tests, draws two pictures, and prints the table of both models.

Example:
    python tools/demo/run_demo.py --work-dir work_dirs/demo
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = ROOT / 'data'
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
        '--cfg-options',
        nargs='+',
        default=[],
        help='config values to change, as key=value',
    )
    return parser.parse_args(args)


def run(*command: object) -> None:
    """Run one of the project's tools; stop the demo where it fails."""
    print('\n$ python', *command, flush=True)
    subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env=environment(),
        check=True,
    )


def train_and_test(
    config: str, work_dir: Path, testing: Sequence, options: Sequence
) -> None:
    """Train a config to its end, then test what it has learned."""
    place = ('--work-dir', work_dir)
    run('tools/train.py', config, *place, *options)
    checkpoint = (ROOT / work_dir / 'last_checkpoint').read_text().strip()
    run('tools/test.py', config, checkpoint, *place, *testing, *options)


def environment() -> dict[str, str]:
    """The environment, with folders of the demo's own.

    The user's data sets may be read-only, and have no fonts. The allocator
    is told to keep its memory: by default glibc gives large blocks back to
    the system at once, and a training step spends much of its time on
    getting them anew.
    """
    own = dict(
        MMC2F_DATA=str(DATA), MMC2F_CHECKPOINTS=str(ROOT / 'checkpoints')
    )
    keep = dict(
        MALLOC_MMAP_MAX_='0',
        MALLOC_TRIM_THRESHOLD_=str(2**40),
        MALLOC_TOP_PAD_=str(2**26),
    )
    return {**keep, **os.environ, **own}


def main(args: list[str] | None = None) -> None:
    """Run the demo."""
    args = parse_args(args)
    start = time.perf_counter()
    work_dir = Path(args.work_dir)
    options = ['--cfg-options', *args.cfg_options] if args.cfg_options else []
    run('tools/dataset_converters/make_fonts.py', DATA / 'fonts')
    plain = work_dir / 'plain'
    train_and_test(BASELINE, plain, ['--no-rerank'], options)
    predictions = work_dir / 'predictions.jsonl'
    gallery = work_dir / 'gallery.safetensors'
    (ROOT / gallery).unlink(missing_ok=True)
    outputs = ['--gallery', gallery, '--out', predictions]
    train_and_test(CONFIG, work_dir, outputs, options)
    draw = ('tools/draw_predictions.py', CONFIG, predictions)
    run(*draw, '--which', 'first', '--num', 1, *options)
    run(*draw, '--which', 'mended', '--num', 1, *options)
    run('tools/results_table.py', plain, work_dir)
    print(f'\nThe demo took {time.perf_counter() - start:.0f} s.')


if __name__ == '__main__':
    main()
