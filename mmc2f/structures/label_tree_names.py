"""Whether a data set has the classes of a hierarchy in the same order."""

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from mmengine.logging import print_log

__all__ = ['check_order']

_SHOWN = 5
# As the folders of CUB-200-2011 have: 001.Black_footed_Albatross.
_NUMBER = re.compile(r'^\d+\.(?=\D)')


def check_order(names: Sequence[str], own: Sequence[str], where: str) -> None:
    """Check that names stand in the places that a hierarchy gives them.

    Names are the same, too, if they differ only in case, in signs that are
    neither letters nor digits, in how Unicode composes letters, or by a
    number with a dot before them, unless two classes of the hierarchy differ
    by no more. A name that the hierarchy does not know is taken for the one
    in its place. A warning says so.

    Args:
        names: C names of a data set, in class order.
        own: C names of the hierarchy.
        where: What the names are of, for messages.

    Raises:
        ValueError: A name that the hierarchy knows stands in another place.
    """
    places = {name: place for place, name in enumerate(own)}
    alike = _places_of_plain(own)
    unknown = []
    for index, name in enumerate(names):
        place = _find(name, places, alike)
        if place is None:
            unknown.append(index)
        elif place != index:
            raise ValueError(
                f'class {index} is {name!r} in {where}, but {own[index]!r} in '
                f'the hierarchy, where {own[place]!r} is class {place}: '
                "another order. Order the hierarchy's classes as in "
                f'{where}'
            )
    if unknown:
        pairs = [f'{names[i]!r} for {own[i]!r}' for i in unknown[:_SHOWN]]
        more = ', ...' if len(unknown) > _SHOWN else ''
        print_log(
            f'{len(unknown)} of {len(own)} classes of {where} are called '
            'otherwise in the hierarchy, and are taken for the classes in '
            f'their places: {", ".join(pairs)}{more}.',
            logger='current',
            level=logging.WARNING,
        )


def _find(
    name: str, places: Mapping[str, int], alike: Mapping[str, int]
) -> int | None:
    return places.get(name, alike.get(_plain(name)))


def _places_of_plain(own: Sequence[str]) -> dict[str, int]:
    """Place of each name in its plain form, where that is of one class."""
    plain = [_plain(name) for name in own]
    counts = Counter(plain)
    return {
        name: place
        for place, name in enumerate(plain)
        if name and counts[name] == 1
    }


def _plain(name: str) -> str:
    composed = unicodedata.normalize('NFKC', _NUMBER.sub('', name))
    return ''.join(filter(str.isalnum, composed.casefold()))
