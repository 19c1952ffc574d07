"""The commands that README and docs show, taken apart, and their parsers."""

import argparse
import importlib.util
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from mmc2f.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').rglob('*.md'))]
#: A block of a shell, with what may stand before it: why no test runs it.
BLOCK = re.compile(
    r'(?:<!-- not run: (?P<reason>[^>]+?) -->\n)?'
    r'```(?:bash|shell|sh|console)\n(?P<text>.*?)```',
    re.DOTALL,
)
#: Lines of a shell that are no command.
CONTROL = re.compile(r'for .*; do|done')
#: A script that starts a tool, and where it takes the number of processes.
LAUNCHERS = {
    'tools/dist_train.sh': ('tools/train.py', 1),
    'tools/dist_test.sh': ('tools/test.py', 2),
}
#: Commands whose words are a tool's.
PASSED_ON = {'mmc2f train': 'tools/train.py', 'mmc2f test': 'tools/test.py'}


@dataclass(frozen=True)
class Command:
    """One command of a page.

    Attributes:
        page: File it stands in.
        program: What is run: ``mmc2f gallery add``, ``tools/train.py``,
            ``make demo``, ``pip``.
        words: Its arguments.
        reason: Why no test runs it, where the page says so.
    """

    page: str
    program: str
    words: tuple[str, ...]
    reason: str | None

    def __str__(self) -> str:
        return f'{self.page}: {shlex.join((self.program, *self.words))}'


class Parsed(Exception):
    """A program has read its command line, and is stopped here."""


def shown_commands() -> list[Command]:
    """Those of all blocks of all pages."""
    return [
        Command(page.name, *program_of(words), block['reason'])
        for page in PAGES
        for block in BLOCK.finditer(page.read_text())
        for words in lines_of(block['text'])
    ]


def lines_of(text: str) -> Iterator[list[str]]:
    """Words of each command of a block."""
    for line in text.replace('\\\n', ' ').splitlines():
        if CONTROL.fullmatch(line.strip()):
            continue
        words: list[str] = []
        for word in (*shlex.split(line, comments=True), '|'):
            if word != '|':
                words.append(word)
            elif words:
                yield words
                words = []


def program_of(words: list[str]) -> tuple[str, tuple[str, ...]]:
    """Program and arguments of a command."""
    while re.fullmatch(r'\w+=\S*', words[0]):
        words = words[1:]
    if words[0] == 'python':
        words = words[1:]
    length = 1
    if words[0] == 'make':
        length = 2
    elif words[0] == 'mmc2f':
        commands: Any = typer.main.get_command(app)
        is_group = hasattr(commands.commands.get(words[1]), 'commands')
        length = 3 if is_group else 2
    return ' '.join(words[:length]), tuple(words[length:])


def parse(
    program: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> dict:
    """Values of the arguments, by the parser of the program itself.

    Raises:
        SystemExit: argparse refuses them.
        Exception: typer does.
    """
    if program.startswith('mmc2f '):
        return parse_by_typer(program, words, monkeypatch)
    if program in LAUNCHERS:
        program, place = LAUNCHERS[program]
        assert words[place].isdigit(), words
        words = (*words[:place], *words[place + 1 :])
    return vars(parse_by_argparse(program, words, monkeypatch))


def named_options(words: tuple[str, ...]) -> set[str]:
    """The long options among the words of a command."""
    return {word for word in words if re.match(r'--[a-z]', word)}


def options_of(program: str, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of all options of a program."""
    program = LAUNCHERS.get(program, (program, 0))[0]
    if not program.startswith('mmc2f '):
        parser = stopped(program, (), lambda parser, *_: parser, monkeypatch)
        return set(parser._option_string_actions)
    command: Any = typer.main.get_command(app)
    for name in program.split()[1:]:
        command = command.commands[name]
    names = {
        name
        for option in command.params
        for name in (*option.opts, *option.secondary_opts)
    }
    if program in PASSED_ON:
        names |= {'--verbose', '--debug'}
        names |= options_of(PASSED_ON[program], monkeypatch)
    return names | {'--help'}


def parse_by_argparse(
    program: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> argparse.Namespace:
    """What the parser of a program in Python makes of its arguments."""
    read = argparse.ArgumentParser.parse_args
    return stopped(program, words, read, monkeypatch)


def stopped(
    program: str,
    words: tuple[str, ...],
    read: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """Start a program, and stop it where it reads its command line.

    Args:
        program: Its path.
        words: Its arguments.
        read: Called in place of the parser's ``parse_args``.

    Returns:
        What ``read`` does.
    """

    def read_and_stop(*args):
        raise Parsed(read(*args))

    main = load_program(program).main
    with monkeypatch.context() as patch:
        patch.setattr(sys, 'argv', [program, *words])
        patch.setattr(argparse.ArgumentParser, 'parse_args', read_and_stop)
        with pytest.raises(Parsed) as caught:
            main()
    return caught.value.args[0]


def parse_by_typer(
    program: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> dict:
    """What a command of mmc2f makes of its arguments.

    Those of ``mmc2f train`` and ``mmc2f test`` are read by the tools.
    """

    def stop(command, context):
        raise Parsed(context.params, context.args)

    name, *commands = program.split()
    with monkeypatch.context() as patch:
        patch.setattr(typer.core.TyperCommand, 'invoke', stop)
        with pytest.raises(Parsed) as caught:
            app([*commands, *words], prog_name=name, standalone_mode=False)
    values, rest = caught.value.args
    if program in PASSED_ON:
        tool = PASSED_ON[program]
        return vars(parse_by_argparse(tool, tuple(rest), monkeypatch))
    assert not rest
    return values


@cache
def load_program(program: str) -> ModuleType:
    """A program in Python, as a module; its own folder is on the path."""
    file = ROOT / program
    spec = importlib.util.spec_from_file_location(f'shown_{file.stem}', file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = before
    return module
