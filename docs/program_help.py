"""The directive ``program-help``: the ``--help`` of a program, as it is.

Its argument is the path of a tool, or ``mmc2f`` and the name of a command; of
a command that has commands, each of them follows.
"""

import io
import os
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[1]
#: Neither colours nor the width of whoever builds the site.
PLAIN = dict(COLUMNS='79', NO_COLOR='1', TERM='dumb')


class ProgramHelp(SphinxDirective):
    """``--help`` of a tool, or of a command of ``mmc2f``."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """The text, as it stands."""
        program = self.arguments[0]
        texts = [program_help(name) for name in (program, *parts(program))]
        return [nodes.literal_block(t, t, language='none') for t in texts]


def parts(program: str) -> list[str]:
    """The commands of a command of ``mmc2f``."""
    name, _, command = program.partition(' ')
    if name != 'mmc2f':
        return []
    import typer

    from mmc2f.cli.app import app

    group: Any = typer.main.get_command(app)
    found = getattr(group.commands[command], 'commands', ())
    return [f'{program} {part}' for part in found]


def program_help(program: str) -> str:
    """What a program says to ``--help``.

    Args:
        program: Path of a tool, or ``mmc2f`` and the name of a command.

    Raises:
        RuntimeError: It has failed, or has no help.
    """
    said = io.StringIO()
    code: Any = 'nothing'
    with _plain_screen(program), redirect_stdout(said):
        try:
            if program.endswith('.py'):
                code = runpy.run_path(str(ROOT / program))['main']()
            else:
                code = _command_help(program)
        except SystemExit as end:
            code = end.code
    text = said.getvalue().strip()
    if code or not text:
        raise RuntimeError(f'{program} --help: {code}')
    return '\n'.join(line.rstrip() for line in text.splitlines())


def _command_help(program: str) -> int:
    from mmc2f.cli.app import app

    name, *words = program.split()
    return app([*words, '--help'], prog_name=name, standalone_mode=False) or 0


@contextmanager
def _plain_screen(program: str) -> Iterator[None]:
    words, environ = sys.argv, os.environ.copy()
    sys.argv = [str(Path(program).name), '--help']
    os.environ.update(PLAIN)
    try:
        yield
    finally:
        sys.argv = words
        os.environ.clear()
        os.environ.update(environ)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive('program-help', ProgramHelp)
    return dict(parallel_read_safe=True)
