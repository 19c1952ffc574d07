"""Pictures that are one picture, saved or edited anew.

A perceptual hash alone would not do. Of small or flat pictures it says
little, and of pictures that are composed alike, such as products on white,
it is often the same. So it only proposes pairs, and the small copies decide.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from mmc2f.own_data.examine import Look, luminance

__all__ = ['FLAT', 'Disjoint', 'is_near', 'near_groups', 'similar_hashes']

# On 40 photos each of the birds and of Grocery, copies saved at a JPEG quality
# of 40, at half the size, or with other brightness or contrast differ in 6
# bits at most and correlate by 0.993 or more. Of 4,100 different photos, the
# hashes of 22 pairs are as close, and these correlate by 0.955 or less.
#: Bits of 64 that the hashes of near duplicates may differ in.
MAX_BITS = 7
#: Least correlation of their luminance. Brightness and contrast do not count.
LEAST_CORRELATION = 0.98
#: Most mean difference of their colours, in grey levels of 0 to 255.
MAX_COLOUR = 40.0
#: Most ratio of their aspect ratios.
MAX_ASPECT = 1.15
#: Contrast under which a picture is flat: its hash is the noise in it.
FLAT = 4.0

_BYTES = 8
# Pictures of one hash that are no near duplicates of each other, at most;
# past that, such as in drawn sets, a hash says nothing.
_MAX_LEADERS = 64
_BLOCK = 1024


class Disjoint:
    """Disjoint sets of the numbers 0 to n - 1 (union-find)."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def find(self, item: int) -> int:
        """The least number in the set of ``item``."""
        root = item
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[item] != root:
            self._parent[item], item = root, self._parent[item]
        return root

    def join(self, one: int, other: int) -> None:
        """Make one set of two."""
        first, second = sorted((self.find(one), self.find(other)))
        self._parent[second] = first

    def labels(self) -> np.ndarray:
        """The least number in the set of each, ``(n,)`` int."""
        count = len(self._parent)
        return np.array([self.find(i) for i in range(count)], dtype=int)


def near_groups(
    looks: Sequence[Look], sets: Disjoint | None = None
) -> Disjoint:
    """Put near duplicates into one set, also by way of others.

    Flat pictures are left alone.

    Args:
        looks: N pictures.
        sets: Of N numbers, to go on from. Changed.

    Returns:
        The sets.
    """
    sets = Disjoint(len(looks)) if sets is None else sets
    by_hash: dict[int, list[int]] = {}
    for place, look in enumerate(looks):
        if look.contrast >= FLAT:
            by_hash.setdefault(int(look.hash), []).append(place)
    leaders = {
        value: _leaders(looks, places, sets)
        for value, places in by_hash.items()
    }
    values = np.array(list(by_hash), dtype=np.uint64)
    for one, other in similar_hashes(values):
        pairs = (
            (a, b)
            for a in leaders[int(values[one])]
            for b in leaders[int(values[other])]
        )
        for a, b in pairs:
            if sets.find(a) != sets.find(b) and is_near(looks[a], looks[b]):
                sets.join(a, b)
    return sets


def is_near(one: Look, other: Look) -> bool:
    """Whether two pictures are one, by their small copies."""
    aspects = [width / height for width, height in (one.size, other.size)]
    if max(aspects) > MAX_ASPECT * min(aspects):
        return False
    colours = one.small.mean((0, 1)) - other.small.mean((0, 1))
    if np.abs(colours).max() > MAX_COLOUR:
        return False
    a, b = (luminance(look.small) for look in (one, other))
    a, b = a - a.mean(), b - b.mean()
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    return float((a * b).sum()) >= LEAST_CORRELATION * float(lengths)


def similar_hashes(
    values: np.ndarray, max_bits: int = MAX_BITS
) -> Iterator[tuple[int, int]]:
    """Pairs of 64-bit hashes that differ in few bits.

    Hashes that differ in at most seven bits have one of their eight bytes in
    common, so only those with an equal byte at an equal place are compared:
    about 1 in 32 of all pairs.

    Args:
        values: ``(N,)`` uint64, all different.
        max_bits: At most 7.

    Yields:
        Places ``(i, j)`` with ``i < j``, each pair once.
    """
    if not 0 <= max_bits < _BYTES:
        raise ValueError(f'max_bits must be from 0 to 7, got {max_bits}')
    parts = values.view(np.uint8).reshape(-1, _BYTES)
    for place in range(_BYTES):
        order = np.argsort(parts[:, place], kind='stable')
        borders = np.flatnonzero(np.diff(parts[order, place])) + 1
        for bucket in np.split(order, borders):
            for one, other in _close(values, bucket, max_bits):
                same = parts[one] == parts[other]
                # Bytes before this one have shown the pair already.
                if not same[:place].any():
                    yield int(one), int(other)


def _close(
    values: np.ndarray, bucket: np.ndarray, max_bits: int
) -> Iterator[tuple[int, int]]:
    """Pairs in a bucket, whose places are in ascending order."""
    for start in range(0, len(bucket), _BLOCK):
        block = bucket[start : start + _BLOCK]
        differ = values[block, None] ^ values[None, bucket]
        near = _bit_counts(differ) <= max_bits
        for row, column in np.argwhere(near):
            if block[row] < bucket[column]:
                yield block[row], bucket[column]


_BITS_OF_BYTE = np.array([bin(i).count('1') for i in range(256)], np.uint8)


def _bit_counts(values: np.ndarray) -> np.ndarray:
    # numpy.bitwise_count is of numpy 2.
    shape = (*values.shape, _BYTES)
    return _BITS_OF_BYTE[values.view(np.uint8).reshape(shape)].sum(-1)


def _leaders(
    looks: Sequence[Look], places: Sequence[int], sets: Disjoint
) -> list[int]:
    """Join what is near among pictures of one hash; one of each set."""
    leaders: list[int] = []
    for place in places:
        for leader in leaders:
            if is_near(looks[place], looks[leader]):
                sets.join(place, leader)
                break
        else:
            if len(leaders) < _MAX_LEADERS:
                leaders.append(place)
    return leaders
