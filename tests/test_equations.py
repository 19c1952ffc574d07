"""The table of equations names code that is there and states them."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from mmc2f.registry import MODELS, TASK_UTILS

PAGE = Path(__file__).parents[1] / 'docs' / 'equations.md'
ROWS = re.findall(
    r'^\| ([^|]+) \| [^|]+ \| `([\w.]+)` \| \[[\w.]+\]\(([^)]+)\) \|$',
    PAGE.read_text(),
    re.MULTILINE,
)

ARGUMENTS = re.findall(
    r'\| `(\w+)=([^`]+)` of `mmc2f\.(\w+)` \|$', PAGE.read_text(), re.MULTILINE
)


def docstring(file: Path, symbol: str) -> str:
    """Docstring of a function, or of a method given as ``Class.method``."""
    node = ast.parse(file.read_text())
    for name in symbol.split('.'):
        named = [n for n in node.body if getattr(n, 'name', None) == name]
        assert named, f'{file.name} has no {symbol}'
        node = named[0]
    return ast.get_docstring(node) or ''


def numbers(text: str, pattern: str) -> set[int]:
    """Numbers of the equations that a text mentions, ``(1)-(4)`` as four."""
    found = set()
    for first, last in re.findall(pattern, text):
        found |= set(range(int(first), int(last or first) + 1))
    return found


@pytest.mark.parametrize(('label', 'symbol', 'link'), ROWS)
def test_symbol_states_its_equation(label, symbol, link):
    text = docstring((PAGE.parent / link).resolve(), symbol)
    if '(' not in label:
        assert text
        return
    asked = numbers(label, r'\((\d)\)()')
    stated = numbers(text, r'Eq\. \((\d)\)(?:-\((\d)\))?')
    assert asked <= stated


def test_every_equation_has_a_row():
    ccfr, mlph = PAGE.read_text().split('## MLPH')
    for part, expected in ((ccfr, range(1, 10)), (mlph, range(1, 8))):
        assert numbers(part, r'\((\d)\)()') == set(expected)
    assert len(ROWS) == len(re.findall(r'\.py\) \|$', PAGE.read_text(), re.M))


@pytest.mark.parametrize(('name', 'default', 'part'), ARGUMENTS)
def test_symbol_is_the_argument_that_the_page_says(name, default, part):
    kind = MODELS.get(f'mmc2f.{part}') or TASK_UTILS.get(f'mmc2f.{part}')
    argument = inspect.signature(kind).parameters[name]
    assert argument.default == ast.literal_eval(default)


def test_every_row_of_a_symbol_was_read():
    assert len(ARGUMENTS) == PAGE.read_text().count('` of `mmc2f.') > 10
