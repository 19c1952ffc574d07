"""A line for each epoch on a terminal, and nothing where there is none."""

import io
import re
import sys

import pytest
import torch
from mmengine.hooks import Hook
from rich.console import Console
from toy_runs import ITERATIONS, toy_config, toy_runner, with_validation

from mmc2f.engine import LiveLineHook
from mmc2f.engine.hooks.live_line_hook import end_live_lines

LINE = r'epoch (\d)/3 (\w+) (\d)/4, ([\d:]+) left, ([\d.]+) images/s, loss '
#: What moves the cursor, hides it, or changes the colour.
CODES = re.compile(r'\x1b\[[?\d;]*[A-Za-z]')


class Clock:
    """Counts as many seconds an iteration as its stage takes."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Work(Hook):
    """An iteration takes a second, in the second stage two; a validation 8."""

    priority = 'VERY_HIGH'

    def __init__(self, clock):
        self.clock = clock

    def after_train_iter(self, runner, batch_idx, *_, **__):
        self.clock.now += 1 if runner.epoch < 2 else 2

    def before_val_iter(self, runner, batch_idx, *_, **__):
        self.clock.now += 2


@pytest.fixture
def screen():
    return io.StringIO()


@pytest.fixture
def terminal(screen):
    return Console(file=screen, force_terminal=True, width=120, height=20)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ('MMC2F_VERBOSE', 'NO_COLOR', 'FORCE_COLOR', 'TTY_COMPATIBLE'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('TERM', 'xterm')


def train(tmp_path, console, *hooks, validate=False, **changes):
    """A training of two epochs in stage one and one in stage two."""
    cfg = toy_config(tmp_path, **dict(log_level='INFO') | changes)
    cfg.default_hooks.logger = dict(type='LoggerHook', interval=1)
    if validate:
        with_validation(cfg)
    clock = Clock()
    runner = toy_runner(cfg)
    runner.register_hook(Work(clock), priority='VERY_HIGH')
    runner.register_hook(LiveLineHook(console, clock), priority='NORMAL')
    for hook in hooks:
        runner.register_hook(hook, priority='LOWEST')
    runner.train()
    return runner


def lines(screen):
    """Every line that was drawn, the last of each epoch among them."""
    return re.findall(LINE + r'[\d.]+', CODES.sub('', screen.getvalue()))


def kept(screen):
    """The lines that are left on the screen."""
    text = CODES.sub('', screen.getvalue())
    ended = (line for line in text.split('\n') if 'images/s' in line)
    return [line.rpartition('\r')[2].rstrip() for line in ended]


def test_a_line_for_each_epoch(tmp_path, screen, terminal):
    train(tmp_path, terminal)
    found = [re.match(LINE, line).groups() for line in kept(screen)]
    # Two images a step; the second stage is taken to cost what the first did.
    assert found == [
        ('1', 'one', '4', '0:00:08', '2.0'),
        ('2', 'one', '4', '0:00:04', '2.0'),
        ('3', 'two', '4', '0:00:00', '1.0'),
    ]


def test_it_moves_with_every_step(tmp_path, screen, terminal):
    train(tmp_path, terminal)
    steps = [(epoch, step) for epoch, _, step, *_ in lines(screen)]
    for epoch in '123':
        assert [s for e, s in steps if e == epoch][-1] == str(ITERATIONS)
        assert {'1', '2', '3', '4'} == {s for e, s in steps if e == epoch}


def test_time_of_validations_is_counted(tmp_path, screen, terminal):
    train(tmp_path, terminal, validate=True)
    times = [re.match(LINE, line).group(4) for line in kept(screen)]
    # 8 s an epoch; a validation of 4 batches takes 8 s, once one was seen.
    assert times == ['0:00:08', '0:00:20', '0:00:08']


def test_loss_is_the_mean_of_the_epoch(tmp_path, screen, terminal):
    runner = train(tmp_path, terminal, epochs=(1,))
    losses = runner.message_hub.get_scalar('train/loss').mean(ITERATIONS)
    assert kept(screen)[-1].endswith(f'loss {losses:.4g}')


class Terminal(io.StringIO):
    """Standard output of a shell."""

    def isatty(self):
        return True


def test_standard_output_will_do_where_it_is_a_terminal(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'stdout', Terminal())
    monkeypatch.setenv('COLUMNS', '120')
    train(tmp_path, None)
    assert len(kept(sys.stdout)) == 3


class Says(Hook):
    """Prints, logs and warns in the middle of an epoch."""

    def after_train_iter(self, runner, batch_idx, *_, **__):
        if runner.iter == 1:
            print('printed')
            runner.logger.info('logged')
            runner.logger.warning('warned')


def test_progress_is_in_the_file_and_the_rest_above_the_line(
    tmp_path, screen, monkeypatch
):
    monkeypatch.setattr(sys, 'stdout', screen)
    console = Console(force_terminal=True, width=120, height=20)
    runner = train(tmp_path, console, Says(), validate=True)
    (log,) = tmp_path.glob('*/*.log')
    progress = r'Epoch\(train\)\s+\[1\]\[2/4\]'
    assert re.search(progress, log.read_text())
    shown = CODES.sub('', screen.getvalue())
    assert not re.search(progress, shown)
    for text in ('printed', 'logged', 'warned'):
        (line,) = (line for line in shown.split('\n') if text in line)
        assert 'epoch' not in line.rpartition('\r')[2]
    # What a validation has measured is no progress.
    assert re.search(r'Epoch\(val\).*score: 1', shown)
    assert sys.stdout is screen
    assert not [f for h in runner.logger.handlers for f in h.filters[1:]]


def test_verbose_shows_the_lines_of_the_log_too(tmp_path, screen, monkeypatch):
    monkeypatch.setenv('MMC2F_VERBOSE', '1')
    monkeypatch.setattr(sys, 'stdout', screen)
    console = Console(force_terminal=True, width=120, height=20)
    train(tmp_path, console)
    assert re.search(r'Epoch\(train\)\s+\[1\]\[2/4\]', screen.getvalue())
    assert len(kept(screen)) >= 3


def without_terminal(monkeypatch, screen, name):
    """Consoles that are no terminal, or none that can move its cursor."""
    if name == 'file':
        # Which Rich alone would take for a terminal.
        monkeypatch.setenv('FORCE_COLOR', '1')
        return None
    if name == 'dumb':
        monkeypatch.setenv('TERM', 'dumb')
        return Console(file=screen, force_terminal=True)
    return Console(file=screen, force_terminal=False)


@pytest.mark.parametrize('name', ['file', 'dumb', 'pipe'])
def test_nothing_without_a_terminal(tmp_path, screen, monkeypatch, name):
    console = without_terminal(monkeypatch, screen, name)
    monkeypatch.setattr(sys, 'stdout', screen)
    train(tmp_path, console)
    shown = screen.getvalue()
    assert 'images/s' not in shown
    # MMEngine's own lines are as ever.
    assert re.search(r'Epoch\(train\)\s+\[1\]\[2/4\]', CODES.sub('', shown))


class Fails(Hook):
    def after_train_iter(self, runner, batch_idx, *_, **__):
        if runner.iter == 1:
            raise RuntimeError('in the middle')


def test_the_terminal_is_given_back_after_an_error(tmp_path, screen, terminal):
    streams = sys.stdout, sys.stderr
    cfg = toy_config(tmp_path, log_level='INFO')
    runner = toy_runner(cfg, LiveLineHook(terminal), Fails())
    handlers = [(h, h.stream) for h in runner.logger.handlers]
    with pytest.raises(RuntimeError, match='in the middle'):
        runner.train()
    end_live_lines(runner)
    assert (sys.stdout, sys.stderr) == streams
    assert [(h, h.stream) for h in runner.logger.handlers] == handlers
    assert screen.getvalue().rstrip().endswith('\x1b[?25h')


def test_batches_that_cannot_be_counted(tmp_path, screen, terminal):
    cfg = toy_config(tmp_path, epochs=(1,))
    runner = toy_runner(cfg)
    hook = LiveLineHook(terminal)
    runner.train_loop  # noqa: B018 (which builds it)
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    runner.message_hub.update_scalar('train/loss_cls', torch.tensor(0.5))
    hook.after_train_iter(runner, 0, data_batch=object())
    hook.close()
    text = CODES.sub('', screen.getvalue())
    assert 'images/s' not in text and 'left, cls 0.5' in text
