"""Counts damaged files over all processes that load data."""

import zlib

import torch

__all__ = ['DamagedFiles']


class DamagedFiles:
    """Different files that could not be read, and how many there may be.

    The workers of a data loader get the same memory, so that they count
    together, and over epochs, whether or not they are started anew. (Where
    two find a file in the same instant, one may be missed until it is found
    again.)

    Args:
        limit: So many files are passed over. ``None``: any number; each
            process then counts for itself.
    """

    def __init__(self, limit: int | None = None) -> None:
        if limit is not None and limit < 0:
            raise ValueError(f'the limit is a number from 0 on, got {limit}')
        self.limit = limit
        self.counts: dict[str, int] = {}
        self._seen: torch.Tensor | None = None
        if limit is not None:
            # A place for each file, 0 where it is free.
            self._seen = torch.zeros(limit + 1, dtype=torch.int64)
            self._seen.share_memory_()

    @property
    def total(self) -> int:
        """How many times this process has found one."""
        return sum(self.counts.values())

    def add(self, path: str) -> int:
        """Note a file.

        Returns:
            How many different files there are by now, at most one more than
            the limit.
        """
        self.counts[path] = self.counts.get(path, 0) + 1
        if self._seen is None:
            return len(self.counts)
        key = 1 + zlib.crc32(path.encode('utf-8', 'surrogateescape'))
        if not bool((self._seen == key).any()):
            free = (self._seen == 0).nonzero()
            if len(free):
                self._seen[free[0]] = key
        return int((self._seen != 0).sum())
