"""The command ``mmc2f``, put together."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from mmc2f.cli import draw, gallery
from mmc2f.cli.demo import demo
from mmc2f.cli.doctor import doctor
from mmc2f.cli.explain import explain
from mmc2f.cli.export import export
from mmc2f.cli.init import init
from mmc2f.cli.predict import predict
from mmc2f.cli.screen import LOG, SETTINGS
from mmc2f.cli.serve import serve
from mmc2f.cli.tools import AS_THEY_ARE, test, train
from mmc2f.error_sentence import TRACEBACK, error_sentence
from mmc2f.version import __version__

__all__ = ['app', 'main', 'run']

NAME = 'mmc2f'
#: Exit codes: wrong use of the command line, and a Ctrl-C as a shell has it.
WRONG_USE, STOPPED = 2, 130

app = typer.Typer(
    name=NAME,
    help='Tell look-alike classes apart: predict, explain, train.',
    pretty_exceptions_enable=False,
    context_settings=dict(help_option_names=['-h', '--help']),
)
app.command(context_settings=AS_THEY_ARE)(train)
app.command(context_settings=AS_THEY_ARE)(test)
app.command()(predict)
app.command()(explain)
app.command()(serve)
app.add_typer(draw.app, name='draw')
app.add_typer(gallery.app, name='gallery')
app.command()(export)
app.command()(init)
app.command()(doctor)
app.command()(demo)


def _show_version(value: bool) -> None:
    if value:
        print(f'{NAME} {__version__}')
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            '--version',
            is_eager=True,
            callback=_show_version,
            help='Show the version and exit.',
        ),
    ] = False,
) -> None:
    pass


def run(args: Sequence[str]) -> int:
    """Run a command line.

    Every error is one sentence, the last line of standard error. Its
    traceback is in the log, and with ``--debug`` or ``MMC2F_TRACEBACK`` on
    the screen.

    Args:
        args: Its words, without the program.

    Returns:
        The exit code: 0; 1 where something failed; 2 for a command line that
        is none; after a signal 128 and its number.
    """
    SETTINGS.verbose = SETTINGS.debug = False
    LOG.start(args)
    try:
        code = app(
            list(args) or ['--help'], prog_name=NAME, standalone_mode=False
        )
        # Which typer makes of a KeyboardInterrupt.
        if code == STOPPED:
            _tell('stopped by Ctrl-C')
        # None as of --help.
        return code or 0
    except (KeyboardInterrupt, typer.Abort):
        _tell('stopped by Ctrl-C')
        return STOPPED
    except SystemExit as end:
        # Of a tool, which has said all there is.
        return int(end.code or 0)
    except BrokenPipeError:
        # The reader has seen enough, as head does. What Python would still
        # write at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        # Of typer, or of click where typer is built on it.
        if hasattr(error, 'format_message'):
            context = getattr(error, 'ctx', None)
            command = getattr(context, 'command_path', NAME)
            _tell(f'{error.format_message()} See {command} --help.')
            return getattr(error, 'exit_code', WRONG_USE)
        LOG.add_traceback(error)
        if SETTINGS.debug or os.environ.get(TRACEBACK):
            raise
        _tell(error_sentence(error) or _unforeseen(error))
        return 1
    finally:
        LOG.close()


def main() -> NoReturn:
    """The console script."""
    raise SystemExit(run(sys.argv[1:]))


def _tell(message: str) -> None:
    sentence = ' '.join(message.split())
    print(f'{NAME}: error: {sentence}', file=sys.stderr)


def _unforeseen(error: Exception) -> str:
    """An error that no user is meant to see."""
    place = f'is in {LOG.path}' if LOG.path else 'is shown by --debug'
    return (
        f'{type(error).__name__}: {error} (this should not happen; the '
        f'traceback {place})'
    )
