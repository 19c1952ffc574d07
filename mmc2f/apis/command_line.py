"""Arguments and rules that the command line tools share."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config, DictAction

from mmc2f.apis.config_file import config_file

__all__ = ['add_options', 'job_parser', 'parse_job', 'set_job']


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options``, see :func:`mmc2f.apis.load_config`."""
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


def parse_job(
    parser: argparse.ArgumentParser, args: Sequence[str] | None
) -> argparse.Namespace:
    """Read the command line, and set the rank that old launchers give."""
    parsed = parser.parse_args(args)
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
