"""What there is to say of one's own images before a training."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

__all__ = ['FEW_IMAGES', 'IMBALANCE', 'Findings']

#: A class with fewer images to train on is named.
FEW_IMAGES = 5
#: So many times the images of the smallest class are suspicious.
IMBALANCE = 10
_SHOWN = 5

Pair = tuple[str, str]


@dataclass(frozen=True)
class Findings:
    """Of the images of a folder or a table.

    Attributes:
        source: The folder or table.
        counts: Images of each class in each split.
        split: Whether the split was ``'kept'`` or is ``'proposed'``.
        seed: Of a proposed split.
        levels: Of the hierarchy that is known, fine to coarse; the classes'
            own alone where none is.
        unreadable: Why each image that was left out cannot be read.
        exact: Groups of files of the same content.
        near: Groups of near duplicates, the exact ones included.
        across_splits: Of each group that is in training and elsewhere, one
            image of each.
        across_classes: Of each group that is in two classes, one of each.
        flat: Images of almost one colour, which have not been compared.
        notes: What the reader had to decide.
    """

    source: str
    counts: Mapping[str, Mapping[str, int]]
    split: str
    seed: int | None = None
    levels: Sequence[str] = ('class',)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    exact: Sequence[Sequence[str]] = ()
    near: Sequence[Sequence[str]] = ()
    across_splits: Sequence[Pair] = ()
    across_classes: Sequence[Pair] = ()
    flat: Sequence[str] = ()
    notes: Sequence[str] = ()

    def per_split(self) -> dict[str, int]:
        """Images in each split, training first."""
        total: Counter[str] = Counter()
        for counts in self.counts.values():
            total.update(counts)
        order = [name for name in ('train', 'val', 'test') if total[name]]
        return {name: total[name] for name in order}

    def few_images(self) -> dict[str, int]:
        """Classes with too few images to train on, and how many these are."""
        return {
            name: counts.get('train', 0)
            for name, counts in self.counts.items()
            if counts.get('train', 0) < FEW_IMAGES
        }

    def imbalance(self) -> float:
        """Images of the largest class over those of the smallest."""
        totals = [sum(counts.values()) for counts in self.counts.values()]
        return max(totals) / min(totals)

    def unmeasured(self) -> list[str]:
        """Classes that have images to train on alone."""
        return [
            name
            for name, counts in self.counts.items()
            if set(counts) == {'train'}
        ]

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            **asdict(self),
            'num_classes': len(self.counts),
            'images': self.per_split(),
            'few_images': self.few_images(),
            'imbalance': round(self.imbalance(), 2),
            'unmeasured': self.unmeasured(),
            'warnings': self.warnings(),
        }

    def summary(self) -> list[str]:
        """Lines on how much there is."""
        splits = self.per_split()
        totals = {n: sum(c.values()) for n, c in self.counts.items()}
        how = f'proposed, seed {self.seed}'
        parts = ', '.join(f'{count} {name}' for name, count in splits.items())
        lines = [
            f'{self.source}: {sum(splits.values())} images of '
            f'{len(self.counts)} classes',
            f'split: {parts} ({"kept" if self.split == "kept" else how})',
            f'images of a class: {min(totals.values())} to '
            f'{max(totals.values())}, median {median(totals.values()):g}',
        ]
        if len(self.levels) > 1:
            lines.append(f'hierarchy: {" < ".join(self.levels)}')
        else:
            lines.append(
                'hierarchy: none known; look-alike classes are '
                'clustered when the training starts'
            )
        lines += [f'note: {note}' for note in self.notes]
        return lines

    def warnings(self) -> list[str]:
        """A sentence on each thing that should not be."""
        lines = [
            f'{path} cannot be read and is left out: {reason}'
            for path, reason in self.unreadable.items()
        ]
        lines += self._duplicates()
        few = self.few_images()
        if few:
            named = [f'{name} ({count})' for name, count in few.items()]
            lines.append(
                f'{_number(few, "class")} with fewer than {FEW_IMAGES} images '
                f'to train on: {_listing(named)}'
            )
        if self.imbalance() > IMBALANCE:
            sizes = {n: sum(c.values()) for n, c in self.counts.items()}
            large = max(sizes, key=lambda name: sizes[name])
            small = min(sizes, key=lambda name: sizes[name])
            lines.append(
                f'the classes differ much in size: {large} has {sizes[large]} '
                f'images, {small} has {sizes[small]}'
            )
        unmeasured = self.unmeasured()
        if unmeasured:
            lines.append(
                f'{_number(unmeasured, "class")} with images to train on '
                'alone, so that nothing is measured of them: '
                f'{_listing(unmeasured)}'
            )
        if self.flat:
            lines.append(
                f'{_number(self.flat, "image")} of almost one colour: '
                f'{_listing(self.flat)}'
            )
        return lines

    def _duplicates(self) -> list[str]:
        lines = []
        if self.across_classes:
            lines.append(
                f'{_number(self.across_classes, "picture")} in two classes: '
                f'{_listing(_pairs(self.across_classes))}'
            )
        if self.across_splits:
            lines.append(
                f'{_number(self.across_splits, "picture")} in training and in '
                'validation or test, which makes the accuracy look better '
                f'than it is: {_listing(_pairs(self.across_splits))}; '
                '--resplit keeps them together'
            )
        if self.near:
            images = sum(map(len, self.near))
            same = sum(map(len, self.exact))
            lines.append(
                f'{_number(self.near, "group")} of near duplicates, '
                f'{images} images, {same} of them equal files: '
                f'{_listing(_pairs([(g[0], g[1]) for g in self.near]))}'
            )
        return lines


def _number(items: Sequence | Mapping, what: str) -> str:
    plural = 'es' if what.endswith('s') else 's'
    return f'{len(items)} {what}{"" if len(items) == 1 else plural}'


def _pairs(pairs: Sequence[Pair]) -> list[str]:
    return [f'{one} = {other}' for one, other in pairs]


def _listing(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    rest = f'; and {more} more' if more > 0 else ''
    return '; '.join(names[:_SHOWN]) + rest
