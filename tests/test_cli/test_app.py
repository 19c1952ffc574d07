"""How the command starts and ends, whatever it does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import mmc2f
from mmc2f.cli import app as app_module
from mmc2f.cli.screen import LOG, SETTINGS, quiet_host

ROOT = Path(__file__).parents[2]


@pytest.fixture
def failing(monkeypatch):
    """Makes ``mmc2f fail`` raise an error, within this package or not."""

    def make(error, raised_here=True):
        app = typer.Typer()

        @app.command()
        def fail(debug: bool = False):
            SETTINGS.debug = debug
            if raised_here:
                raise error
            code = compile('raise error', mmc2f.__file__, 'exec')
            exec(code, dict(error=error))

        monkeypatch.setattr(app_module, 'app', app)

    return make


def test_help_imports_neither_torch_nor_the_host():
    code = (
        'import sys; from mmc2f.cli.app import run; code = run(["--help"]); '
        'heavy = {"torch", "mmengine", "mmcv", "matplotlib"}; '
        'sys.exit(code or str(heavy & sys.modules.keys() or ""))'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], cwd=ROOT, text=True, capture_output=True
    )
    assert done.returncode == 1 and not done.stderr.strip(), done.stderr
    assert 'predict' in done.stdout and 'doctor' in done.stdout


def test_runs_as_a_module_with_a_wrong_host(tmp_path):
    """The command that says what is wrong must itself start."""
    code = 'raise SystemExit("the host was imported")'
    (tmp_path / 'mmengine.py').write_text(code)
    done = subprocess.run(
        [sys.executable, '-m', 'mmc2f', '--version'],
        cwd=ROOT,
        env={**os.environ, 'PYTHONPATH': str(tmp_path)},
        text=True,
        capture_output=True,
    )
    assert done.stdout == f'mmc2f {mmc2f.__version__}\n', done.stderr
    assert done.returncode == 0


def test_no_words_show_the_help(say):
    said = say()
    assert said.code == 0
    assert 'Usage' in said.out


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('predict',), 'MODEL'),
        (('predikt',), 'predikt'),
        (('doctor', '--nothing'), '--nothing'),
        (('predict', 'a', 'b', '--batch-size', '0'), 'batch'),
    ],
)
def test_wrong_use_is_one_sentence_and_code_2(say, words, message):
    said = say(*words)
    assert said.code == 2
    assert said.err.count('\n') == 1
    assert said.last.startswith('mmc2f: error: ')
    assert message in said.last and '--help' in said.last


def test_an_error_of_ours_is_one_sentence(say, failing):
    failing(ValueError('it has\ntwo lines'), raised_here=False)
    said = say('--no-debug')
    assert said == type(said)(1, '', 'mmc2f: error: it has two lines\n')
    log = Path(os.environ['XDG_STATE_HOME'], 'mmc2f', 'mmc2f.log')
    assert 'Traceback' in log.read_text()


def test_debug_keeps_the_traceback(say, failing):
    failing(ValueError('it has two lines'), raised_here=False)
    with pytest.raises(ValueError, match='two lines'):
        say('--debug')


def test_an_unforeseen_error_names_the_log(say, failing):
    failing(KeyError('a'))
    said = say('--no-debug')
    assert said.code == 1
    assert said.last.startswith("mmc2f: error: KeyError: 'a' (this should")
    assert 'mmc2f.log' in said.last


def test_an_unforeseen_error_without_a_log(say, failing, monkeypatch):
    monkeypatch.setenv('XDG_STATE_HOME', '/dev/null')
    failing(KeyError('a'))
    assert '--debug' in say('--no-debug').last
    assert LOG.path is None


def test_ctrl_c_ends_as_a_shell_has_it(say, failing):
    failing(KeyboardInterrupt())
    said = say('--no-debug')
    assert said.code == 130
    assert said.last == 'mmc2f: error: stopped by Ctrl-C'


@pytest.mark.parametrize('verbose', [False, True])
def test_noise_goes_to_the_log(verbose, capsys):
    import logging
    import warnings

    from mmengine.logging import print_log

    LOG.start(['noise'])
    SETTINGS.verbose = verbose
    with quiet_host() as answers:
        print('printed by a library')
        warnings.warn('a warning of a library', stacklevel=1)
        print_log('logged', logger='current')
        print_log('important', logger='current', level=logging.WARNING)
        answers('the answer')
    SETTINGS.verbose = False
    log = LOG.path.read_text()
    LOG.close()
    said = capsys.readouterr()
    assert said.out == 'the answer\n'
    noise = ['printed by a library', 'a warning of a library', 'logged']
    for text in noise:
        assert text in log
        assert (text in said.err) == verbose
    assert said.err.count('important') == 1
    print('printed later')
    assert capsys.readouterr().out == 'printed later\n'


def test_completion_is_offered(say):
    said = say('--help')
    assert '--install-completion' in said.out
