"""Buckets of tokens."""

import pytest

from mmc2f.web import rate_limit
from mmc2f.web.rate_limit import RateLimit


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


def test_a_burst_and_then_a_rate(clock):
    limit = RateLimit(per_second=2, burst=3, clock=clock)
    assert [limit.allows('a') for _ in range(5)] == [True] * 3 + [False] * 2
    clock.now = 0.4
    assert not limit.allows('a')
    clock.now = 0.5
    assert limit.allows('a')
    clock.now = 100
    assert [limit.allows('a') for _ in range(4)] == [True] * 3 + [False]


def test_clients_do_not_share(clock):
    limit = RateLimit(per_second=1, burst=1, clock=clock)
    assert limit.allows('a')
    assert limit.allows('b')
    assert not limit.allows('a')


def test_a_refusal_takes_no_token(clock):
    limit = RateLimit(per_second=1, burst=1, clock=clock)
    limit.allows('a')
    for step in range(1, 10):
        clock.now = step / 10
        assert not limit.allows('a')
    clock.now = 1.0
    assert limit.allows('a')


def test_memory_is_bounded(clock, monkeypatch):
    monkeypatch.setattr(rate_limit, 'MOST_CLIENTS', 3)
    limit = RateLimit(per_second=1, burst=1, clock=clock)
    for client in 'abcabd':
        limit.allows(client)
    # The one that was silent longest is forgotten, others are not.
    assert not limit.allows('b')
    assert limit.allows('c')
