"""``mmc2f train`` and ``mmc2f test``: the tools, from wherever they are."""

import os
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from mmc2f.cli.screen import SETTINGS, divert_output, divert_warnings
from mmc2f.error_sentence import TRACEBACK
from mmc2f.host import check_host, find_host
from mmc2f.shipped_files import shipped_tool

__all__ = ['AS_THEY_ARE', 'run_tool', 'test', 'train']

#: Of a command whose words are a tool's: its options, --help too.
AS_THEY_ARE = dict(
    allow_extra_args=True, ignore_unknown_options=True, help_option_names=[]
)
#: Exit codes above it are this and the number of a signal.
BY_SIGNAL = 128
#: Which the command takes for itself.
VERBOSE, DEBUG = '--verbose', '--debug'


def train(context: typer.Context) -> int:
    """Train a model: mmc2f train CONFIG; see mmc2f train --help."""
    return run_tool('train.py', 'train', context.args)


def test(context: typer.Context) -> int:
    """Test a model: mmc2f test CONFIG CHECKPOINT; see mmc2f test --help."""
    return run_tool('test.py', 'test', context.args)


def run_tool(name: str, command: str, words: Sequence[str]) -> int:
    """Run a tool in this process, with the words of a command.

    What the host says while it is imported goes to the log, and so do
    Python's warnings.

    Args:
        name: Its file, below ``tools``.
        command: What it is called in its messages.
        words: Its arguments, perhaps with ``--verbose`` and ``--debug``.

    Returns:
        The exit code.

    Raises:
        SystemExit: A signal has stopped the tool, which has said so.
    """
    path = shipped_tool(name)
    SETTINGS.verbose |= VERBOSE in words
    if DEBUG in words:
        os.environ[TRACEBACK] = '1'
    if SETTINGS.verbose:
        os.environ['MMC2F_VERBOSE'] = '1'
    check_host(find_host())
    with divert_output():
        main = _load(path)
    from mmc2f.apis.command_line import run_tool as run_main

    before = sys.argv
    sys.argv = [
        f'mmc2f {command}',
        *(word for word in words if word not in (VERBOSE, DEBUG)),
    ]
    try:
        with divert_warnings():
            run_main(main)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        code = int(end.code or 0)
        if code > BY_SIGNAL:
            raise
        return code
    finally:
        sys.argv = before
    return 0


def _load(path: Path) -> Callable[[], object]:
    """What a tool does, and with it all of the host that it will import."""
    import mmpretrain.datasets
    import mmpretrain.models  # noqa: F401

    return runpy.run_path(str(path))['main']
