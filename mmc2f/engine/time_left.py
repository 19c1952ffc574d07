"""How long a training still takes, from what its stages have taken."""

from collections.abc import Hashable, Mapping
from typing import Any

__all__ = ['TimeLeft']


class TimeLeft:
    """Mean seconds of each kind of work, and what is left of them.

    The stages of a training differ in cost, and a validation in another way
    from both. So each kind has a mean of its own; a stage that has not begun
    is taken to cost what the last one does.
    """

    def __init__(self) -> None:
        self._counts: dict[Hashable, int] = {}
        self._seconds: dict[Hashable, float] = {}
        self._last: Hashable = None

    def add(self, kind: Hashable, seconds: float) -> None:
        """Note what one of a kind has taken."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self._seconds[kind] = self._seconds.get(kind, 0.0) + seconds

    def add_step(self, stage: Hashable, seconds: float) -> None:
        """Note what a step of a stage has taken."""
        self.add(stage, seconds)
        self._last = stage

    def mean(self, kind: Hashable) -> float | None:
        """Seconds of one of this kind; ``None`` before the first."""
        count = self._counts.get(kind)
        return self._seconds[kind] / count if count else None

    def seconds(
        self, steps: Mapping[Any, int], others: Mapping[Any, int]
    ) -> float | None:
        """Seconds of what is left.

        Args:
            steps: How many steps are left of each stage.
            others: How many are left of each other kind, such as
                validations; those that have not been seen count nothing.

        Returns:
            An estimate, or ``None`` before the first step.
        """
        usual = self.mean(self._last)
        if usual is None:
            return None
        total = 0.0
        for stage, count in steps.items():
            mean = self.mean(stage)
            total += count * (usual if mean is None else mean)
        for kind, count in others.items():
            total += count * (self.mean(kind) or 0.0)
        return total
