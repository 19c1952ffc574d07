"""The hierarchy that folders or columns of a table give."""

import csv
import io
from collections.abc import Sequence

from mmc2f.own_data.listing import ImageListing

__all__ = ['Hierarchy', 'known_hierarchy', 'to_csv']

#: A level and the class of each class in it.
Hierarchy = tuple[tuple[str, ...], dict[str, tuple[str, ...]]]
# A column of a hierarchy file that is no level.
_RESERVED = 'class_id'


def known_hierarchy(listing: ImageListing) -> Hierarchy | None:
    """Levels of a listing that put classes together.

    A level that has one class only, or as many as the level below it, says
    nothing, and is left out.

    Args:
        listing: Images with their super classes.

    Returns:
        The names of the levels, fine to coarse, and the classes of each
        finest class in them; ``None`` where there is no level but the
        classes' own.

    Raises:
        ValueError: A class has two super classes at one level.
    """
    rows: dict[str, tuple[str, ...]] = {}
    for image in listing.images:
        names = (image.label, *image.parents)
        known = rows.setdefault(image.label, names)
        if known != names:
            one, other = next(
                pair
                for pair in zip(known, names, strict=True)
                if pair[0] != pair[1]
            )
            raise ValueError(
                f'class {image.label!r} is in two super classes, {one!r} and '
                f'{other!r} (there with {image.path})'
            )
    kept = [0]
    for level in range(1, len(listing.levels)):
        below = len({row[kept[-1]] for row in rows.values()})
        if 1 < len({row[level] for row in rows.values()}) < below:
            kept.append(level)
    if len(kept) == 1:
        return None
    levels = tuple(_level_name(listing.levels[level]) for level in kept)
    return levels, {
        name: tuple(rows[name][level] for level in kept)
        for name in sorted(rows)
    }


def to_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as :func:`mmc2f.files.parse_csv` reads it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _level_name(name: str) -> str:
    return 'class' if name == _RESERVED else name
