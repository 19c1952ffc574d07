"""How often one client may ask."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ['RateLimit']

#: Clients that are remembered; the one that was silent longest goes first.
MOST_CLIENTS = 4096


class RateLimit:
    """A bucket of tokens for each client: a request takes one.

    Args:
        per_second: Tokens that come back.
        burst: Tokens that a bucket holds at most, as it does at first.
        clock: Seconds, for tests.
    """

    def __init__(
        self,
        per_second: float,
        burst: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.per_second = per_second
        self.burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        #: Tokens of a client, and when they were counted.
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, client: str) -> bool:
        """Whether there is a token, which is then taken."""
        now = self._clock()
        with self._lock:
            tokens, then = self._buckets.pop(client, (self.burst, now))
            tokens = min(self.burst, tokens + (now - then) * self.per_second)
            is_allowed = tokens >= 1
            self._buckets[client] = (tokens - is_allowed, now)
            if len(self._buckets) > MOST_CLIENTS:
                self._buckets.popitem(last=False)
        return is_allowed
