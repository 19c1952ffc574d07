"""What takes too long is answered in time, and later work goes on."""

import threading
import time

import pytest

from mmc2f.web.time_limit import TimeLimit
from mmc2f.web.upload import Refused

#: Seconds: what no test waits for, and enough for work to begin anywhere.
NEVER, SHORT = 60.0, 1.0


class Stuck:
    """A function that ends when the test says so."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, check) -> str:
        self.has_begun.set()
        assert self.may_end.wait(NEVER)
        return 'late'


@pytest.fixture
def stuck():
    stuck = Stuck()
    yield stuck
    stuck.may_end.set()


def test_gives_what_the_function_gives():
    limit = TimeLimit(NEVER)
    assert limit.run(lambda check: 'answer') == 'answer'
    assert limit.run(lambda check: check()) is None


@pytest.mark.parametrize('error', [ValueError('x'), TimeoutError('y')])
def test_an_error_of_the_function_is_its_own(error):
    def fail(check):
        raise error

    with pytest.raises(type(error), match=str(error)):
        TimeLimit(NEVER).run(fail)


def test_one_runs_at_a_time():
    limit, running, most = TimeLimit(NEVER), [0], []

    def work(check):
        running[0] += 1
        most.append(running[0])
        time.sleep(0.01)
        running[0] -= 1

    threads = [
        threading.Thread(target=limit.run, args=(work,)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(NEVER)
    assert most == [1] * 4


def test_what_runs_too_long_is_answered_in_a_sentence(stuck):
    began = time.monotonic()
    with pytest.raises(Refused, match=r'longer than 1 seconds'):
        TimeLimit(SHORT).run(stuck)
    assert time.monotonic() - began < NEVER / 2
    assert stuck.has_begun.is_set()


def test_who_waits_behind_it_is_refused_and_costs_nothing(stuck):
    limit, calls = TimeLimit(SHORT), []
    with pytest.raises(Refused, match='longer'):
        limit.run(stuck)
    for _ in range(2):
        with pytest.raises(Refused, match='busy'):
            limit.run(calls.append)
    stuck.may_end.set()
    # Those that were refused are never run, later ones are.
    limit.seconds = NEVER
    assert limit.run(lambda check: 'next') == 'next'
    assert calls == []


def test_a_full_line_is_refused_at_once(stuck):
    limit = TimeLimit(NEVER, waiting=1)
    said = []

    def wait() -> None:
        said.append(limit.run(lambda check: 'waited'))

    first = threading.Thread(target=limit.run, args=(stuck,))
    first.start()
    assert stuck.has_begun.wait(NEVER)
    second = threading.Thread(target=wait)
    second.start()
    while not limit.is_full:
        time.sleep(0.001)
    with pytest.raises(Refused, match='busy'):
        limit.run(lambda check: 'third')
    stuck.may_end.set()
    first.join(NEVER)
    second.join(NEVER)
    assert said == ['waited']


def test_work_that_looks_at_the_clock_ends_itself():
    """So that the next need not wait for it."""
    limit, rounds = TimeLimit(SHORT), [0]

    def work(check):
        while True:
            check()
            rounds[0] += 1
            time.sleep(0.001)

    with pytest.raises(Refused, match='longer'):
        limit.run(work)
    limit.seconds = NEVER
    assert limit.run(lambda check: 'next') == 'next'
    done = rounds[0]
    time.sleep(0.01)
    assert rounds[0] == done


def test_the_thread_does_not_keep_a_program_from_its_end(stuck):
    limit = TimeLimit(SHORT)
    with pytest.raises(Refused):
        limit.run(stuck)
    workers = [
        t for t in threading.enumerate() if t.name == 'mmc2f time limit'
    ]
    assert workers
    assert all(thread.daemon for thread in workers)
