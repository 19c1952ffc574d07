"""Endless drawing without replacement."""

from collections import deque
from collections.abc import Sequence

import numpy as np

__all__ = ['ShuffledRounds']


class ShuffledRounds:
    """Draws items in rounds: every item once, then all of them shuffled anew.

    At any time two items have been drawn equally often or once apart.

    Args:
        items: What to draw from, at least one.
        rng: Source of the order.
    """

    def __init__(self, items: Sequence[int], rng: np.random.Generator) -> None:
        self.items = np.asarray(items)
        self.rng = rng
        self.queue: deque[int] = deque()

    def draw(self, count: int) -> list[int]:
        """The next ``count`` items.

        They are distinct where there are that many items. Otherwise each
        comes ``count // len(items)`` or one more times.
        """
        whole, rest = divmod(count, len(self.items))
        drawn = [item for _ in range(whole) for item in self._new_round()]
        return drawn + self._draw_distinct(rest)

    def _new_round(self) -> list[int]:
        return self.rng.permutation(self.items).tolist()

    def _draw_distinct(self, count: int) -> list[int]:
        chosen: list[int] = []
        deferred: list[int] = []
        while len(chosen) < count:
            if not self.queue:
                self.queue.extend(self._new_round())
            item = self.queue.popleft()
            # An item that ends one round may begin the next.
            (deferred if item in chosen else chosen).append(item)
        self.queue.extendleft(reversed(deferred))
        return chosen
