"""``mmc2f train`` and ``mmc2f test`` are the tools, and quiet."""

import os
import sys

import pytest

from mmc2f.cli import tools
from mmc2f.error_sentence import TRACEBACK
from mmc2f.shipped_files import shipped_folder, shipped_tool


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    """Which the command sets for the process."""
    for name in (TRACEBACK, 'MMC2F_VERBOSE', 'LOCAL_RANK'):
        monkeypatch.setenv(name, '0')
        monkeypatch.delenv(name)
    yield
    for name in (TRACEBACK, 'MMC2F_VERBOSE', 'LOCAL_RANK'):
        os.environ.pop(name, None)


@pytest.fixture
def fake_tool(tmp_path, monkeypatch):
    """A tool of a few lines in place of the real one."""

    def write(code):
        path = tmp_path / 'tool.py'
        path.write_text(f'def main():\n    {code}\n')
        monkeypatch.setattr(tools, 'shipped_tool', lambda name: path)

    return write


@pytest.mark.parametrize('tool', ['train', 'test'])
def test_help_is_that_of_the_tool(say, tool):
    said = say(tool, '--help')
    assert said.code == 0
    assert f'usage: mmc2f {tool} ' in said.out
    assert '--cfg-options' in said.out and '--launcher' in said.out


def test_wrong_options_are_refused_by_the_tool(say):
    said = say('train', 'a.py', '--nothing')
    assert said.code == 2
    assert said.last.startswith('mmc2f train: error: ')


def test_words_reach_the_tool_as_they_are(say, fake_tool):
    fake_tool(
        'import sys, warnings; print(sys.argv); warnings.warn("noise"); '
        'raise SystemExit(7)'
    )
    before = list(sys.argv)
    words = ['a', '--cfg-options', 'b=1', 'c=2', '-x', '--amp']
    said = say('test', *words)
    assert said.code == 7
    assert said.out == f'{["mmc2f test", *words]}\n'
    assert said.err == ''
    assert sys.argv == before


def test_a_stopped_training_has_the_last_word(say, fake_tool):
    fake_tool(
        'import sys; print("resumes from a.pth", file=sys.stderr); '
        'raise SystemExit(130)'
    )
    said = say('train', 'a.py')
    assert said.code == 130
    assert said.err == 'resumes from a.pth\n'


def test_an_error_of_the_tool_is_one_sentence(say):
    said = say('train', 'gone.py')
    assert said.code == 1
    assert said.err.splitlines() == [said.last]
    assert said.last.startswith('mmc2f train: error: ')
    assert 'gone.py' in said.last


def test_debug_and_verbose_are_not_the_tools(say, fake_tool):
    fake_tool(
        'import os, sys; print(sys.argv[1:], os.environ["MMC2F_VERBOSE"], '
        f'os.environ["{TRACEBACK}"])'
    )
    assert say('train', '--verbose', 'a', '--debug').out == "['a'] 1 1\n"


def test_tools_are_in_the_checkout():
    assert shipped_tool('train.py').is_file()
    assert (shipped_folder() / 'configs' / 'ccfr_fonts.py').is_file()


def test_a_package_without_tools_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr('mmc2f.shipped_files.PACKAGE', tmp_path / 'mmc2f')
    assert shipped_folder() == tmp_path / 'mmc2f' / '.mim'
    with pytest.raises(FileNotFoundError, match=r'no tools/train\.py'):
        shipped_tool('train.py')
