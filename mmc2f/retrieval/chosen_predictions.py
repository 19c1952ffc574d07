"""Which of the predictions in a file are of interest."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

__all__ = ['CHOICES', 'answers', 'in_first_view', 'is_mended']

Record = TypeVar('Record', bound=Mapping[str, Any])


def answers(record: Mapping[str, Any]) -> tuple[str, str]:
    """The class before and after re-ranking."""
    ranked = record.get('reranked', record['coarse'])
    return record['coarse'][0]['class'], ranked[0]['class']


def is_mended(record: Mapping[str, Any]) -> bool:
    """Re-ranking made it right."""
    before, after = answers(record)
    return before != record['truth'] == after


def is_broken(record: Mapping[str, Any]) -> bool:
    """Re-ranking made it wrong."""
    before, after = answers(record)
    return before == record['truth'] != after


def is_wrong(record: Mapping[str, Any]) -> bool:
    """The final answer is wrong."""
    return answers(record)[1] != record['truth']


#: What to show, by the name that a command line has for it.
CHOICES: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    'first': lambda record: True,
    'mended': is_mended,
    'broken': is_broken,
    'wrong': is_wrong,
}


def in_first_view(records: Sequence[Record]) -> list[Record]:
    """One record an image: that at the finest level, in its first view.

    Raises:
        ValueError: No prediction is at the finest level.
    """
    finest = [record for record in records if not record.get('level')]
    if not finest:
        raise ValueError('no prediction is at the finest level of the tree')
    view = finest[0].get('view')
    return [record for record in finest if record.get('view') == view]
