"""Arguments and rules that the command line tools share."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.dist import init_dist, is_distributed, is_main_process

from mmc2f.apis.config_file import config_file
from mmc2f.error_sentence import KINDS, TRACEBACK, error_sentence
from mmc2f.weights.trust import trust_files_of_this_process

__all__ = [
    'add_options',
    'add_trust',
    'job_parser',
    'join_ranks',
    'parse',
    'parse_job',
    'run_tool',
    'set_job',
]


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add ``--trust``, which :func:`parse` obeys."""
    parser.add_argument(
        '--trust',
        action='store_true',
        help='read files that can run code on this machine, as pickled '
        'checkpoints of unknown origin can',
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--trust`` and ``--cfg-options``.

    See :func:`mmc2f.apis.load_config` for the latter.
    """
    add_trust(parser)
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='config values to change, as key=value',
    )


def job_parser(description: str) -> argparse.ArgumentParser:
    """A parser with what a training and a test have in common."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('config', type=config_file, help='config file')
    parser.add_argument('--work-dir', help='folder for what is written')
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='job launcher',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    add_options(parser)
    return parser


def parse(
    parser: argparse.ArgumentParser, args: Sequence[str] | None
) -> argparse.Namespace:
    """Read the command line, and trust files if it says so."""
    parsed = parser.parse_args(args)
    trust_files_of_this_process(parsed.trust)
    return parsed


def parse_job(
    parser: argparse.ArgumentParser, args: Sequence[str] | None
) -> argparse.Namespace:
    """As :func:`parse`, and set the rank that old launchers give."""
    parsed = parse(parser, args)
    os.environ.setdefault('LOCAL_RANK', str(parsed.local_rank))
    return parsed


def set_job(cfg: Config, args: argparse.Namespace) -> None:
    """Write launcher and work dir of the command line into the config.

    Without ``--work-dir`` it is the config's, without that
    ``work_dirs/NAME`` with the name of the config file.
    """
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(args.config).stem))


def join_ranks(cfg: Config) -> None:
    """Start the process group that the config's launcher has made.

    The runner would do it too, but only after files have been written that
    one rank alone may write.
    """
    if cfg.get('launcher', 'none') != 'none' and not is_distributed():
        init_dist(cfg.launcher, **cfg.get('env_cfg', {}).get('dist_cfg', {}))


def run_tool(main: Callable[[], object]) -> None:
    """Run a tool; an error that its user can mend is one sentence.

    Such are errors of files and those that this package raises itself.
    Others, and all with ``MMC2F_TRACEBACK`` set, keep their traceback. So is
    Ctrl-C, and what a training says that a signal has stopped.

    Args:
        main: The tool, without arguments.

    Raises:
        SystemExit: With the sentence, which makes the exit code 1; after a
            signal 128 and its number.
    """
    try:
        main()
    except KeyboardInterrupt as error:
        if is_main_process():
            print(str(error) or 'stopped by Ctrl-C', file=sys.stderr)
        raise SystemExit(getattr(error, 'exit_code', 130)) from None
    except KINDS as error:
        sentence = error_sentence(error)
        if sentence is None or os.environ.get(TRACEBACK):
            raise
        tool = Path(sys.argv[0]).name
        raise SystemExit(f'{tool}: error: {sentence}') from error
