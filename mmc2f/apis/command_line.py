"""Arguments and rules that the command line tools share."""

import argparse
import logging
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, DictAction
from mmengine.dist import is_main_process

from mmc2f.apis.config_file import config_file
from mmc2f.engine.lost_process import describe_lost_process
from mmc2f.engine.process_group import start_process_group
from mmc2f.error_sentence import TRACEBACK, error_sentence
from mmc2f.weights.trust import trust_files_of_this_process

__all__ = [
    'add_device',
    'add_options',
    'add_trust',
    'job_parser',
    'join_ranks',
    'parse',
    'parse_job',
    'require_parts',
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


class ConfigOptions(DictAction):
    """Values of ``--cfg-options``, each with a name."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        unnamed = [value for value in values if '=' not in value]
        if unnamed:
            parser.error(f'{option_string}: {unnamed[0]} is no key=value')
        super().__call__(parser, namespace, values, option_string)


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add ``--device``, of a kind that this machine has."""
    parser.add_argument(
        '--device', type=_device, help="such as 'cpu' or 'cuda:0'"
    )


def _device(text: str) -> str:
    try:
        torch.empty(0, device=text)
    # Of no device, and of one that is not there.
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        reason = str(error).partition('\n')[0]
        raise argparse.ArgumentTypeError(
            f'{text!r} is no device of this machine: {reason}'
        ) from error
    return text


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--trust`` and ``--cfg-options``.

    See :func:`mmc2f.apis.load_config` for the latter.
    """
    add_trust(parser)
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
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
    parser.add_argument(
        '--dist-timeout',
        type=_seconds,
        metavar='SECONDS',
        help='how long a process waits for another one before it takes it '
        'for lost; the default is env_cfg.dist_cfg.timeout of the config, '
        'else half an hour, with nccl ten minutes',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    add_options(parser)
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f'{text!r} is no time above 0')
    return seconds


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
    """Write launcher, timeout and work dir of the command line into it.

    Without ``--work-dir`` it is the config's, without that
    ``work_dirs/NAME`` with the name of the config file.
    """
    cfg.launcher = args.launcher
    if args.dist_timeout is not None:
        env = dict(cfg.get('env_cfg') or {})
        dist = dict(env.get('dist_cfg') or {}, timeout=args.dist_timeout)
        cfg.env_cfg = dict(env, dist_cfg=dist)
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(args.config).stem))


def require_parts(cfg: Config, path: str, *names: str) -> None:
    """Refuse a config without what a tool cannot do without.

    Raises:
        ValueError: With what is missing.
    """
    missing = [name for name in names if cfg.get(name) is None]
    if missing:
        raise ValueError(
            f'config {path} has no {", ".join(missing)}: let it inherit from '
            'a shipped one, by _base_'
        )


def join_ranks(cfg: Config) -> None:
    """Start the process group that the config's launcher has made.

    The runner would do it too, but only after files have been written that
    one rank alone may write.
    """
    options = cfg.get('env_cfg', {}).get('dist_cfg', {})
    start_process_group(cfg.get('launcher', 'none'), **options)


def run_tool(main: Callable[[], object]) -> None:
    """Run a tool; an error that its user can mend is one sentence.

    Such are errors of files, those that this package raises itself, and
    configs that ask for what there is not. Others, and all with
    ``MMC2F_TRACEBACK`` set, keep their traceback. So is Ctrl-C, and what a
    training says that a signal has stopped.

    Args:
        main: The tool, without arguments.

    Raises:
        SystemExit: With the sentence, which makes the exit code 1; after a
            signal 128 and its number.
    """
    # Where the disk is full, what cannot be written is told, the log is not.
    tells, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        main()
    except KeyboardInterrupt as error:
        if is_main_process():
            print(str(error) or 'stopped by Ctrl-C', file=sys.stderr)
        raise SystemExit(getattr(error, 'exit_code', 130)) from None
    except Exception as error:
        sentence = describe_lost_process(error) or error_sentence(error)
        if sentence is None or os.environ.get(TRACEBACK):
            raise
        tool = Path(sys.argv[0]).name
        raise SystemExit(f'{tool}: error: {sentence}') from error
    finally:
        logging.raiseExceptions = tells
