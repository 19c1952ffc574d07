"""Signals that a training waits with."""

import os
import signal
import threading

import pytest

from mmc2f.engine import Interrupted, StopSignals
from mmc2f.engine import stop_signals as module


@pytest.fixture(autouse=True)
def _as_in_a_shell():
    """A shell's background job ignores SIGINT, and so would the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def send(number=signal.SIGINT):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_is_noted_and_told(number, capfd):
    before = signal.getsignal(number)
    with StopSignals() as signals:
        assert not signals.received
        send(number)
        assert signals.received == number
    assert signal.getsignal(number) is before
    told = capfd.readouterr().err
    assert f'{signal.Signals(number).name}: saving after this step' in told


def test_what_a_launcher_repeats_is_one_signal():
    with StopSignals() as signals:
        send()
        send(signal.SIGTERM)
        assert signals.received == signal.SIGINT


def test_a_second_one_stops_at_once(monkeypatch):
    monkeypatch.setattr(module, '_SAME_SECONDS', -1)
    with pytest.raises(KeyboardInterrupt), StopSignals():
        send()
        send()


def test_at_once_where_nothing_is_lost():
    with StopSignals() as signals:
        signals.at_once = True
        with pytest.raises(KeyboardInterrupt):
            send()
        assert signals.received == signal.SIGINT


def test_forked_workers_live_on():
    with StopSignals() as signals:
        child = os.fork()
        if not child:
            signals.at_once = True
            send()
            os._exit(7 if not signals.received else 1)
        assert os.waitpid(child, 0)[1] >> 8 == 7


def test_other_threads_change_nothing():
    before = signal.getsignal(signal.SIGINT)
    found = []

    def enter():
        with StopSignals() as signals:
            found.append((signals.received, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [(0, before)]


def test_codes_are_those_of_shells():
    assert Interrupted('', signal.SIGINT).exit_code == 130
    assert Interrupted('', signal.SIGTERM).exit_code == 143
