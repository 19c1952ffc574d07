"""What makes levels, names and parents a tree, and how two trees differ."""

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmc2f.structures.label_tree import LabelTree

__all__ = ['check_tree', 'first_difference']

Names = Sequence[str]


def check_tree(
    levels: Names,
    class_names: Sequence[Names],
    parents: Sequence[Sequence[int]],
) -> None:
    """Check the parts of a :class:`LabelTree`.

    Raises:
        ValueError: They make no tree; says which class is wrong.
    """
    for what, value in (
        ('levels', levels),
        ('class names', class_names),
        ('parents', parents),
    ):
        _check_list(what, value)
    count = len(levels)
    are_names = all(isinstance(name, str) for name in levels)
    if count == 0 or not are_names or len(set(levels)) != count:
        raise ValueError(f'levels must have distinct names, got {levels}')
    if (len(class_names), len(parents)) != (count, count - 1):
        raise ValueError(
            f'{count} levels need {count} lists of class names and '
            f'{count - 1} of parents, got {len(class_names)} and '
            f'{len(parents)}'
        )
    for level, names in zip(levels, class_names, strict=True):
        _check_names(level, names)
    for depth, links in enumerate(parents):
        _check_parents(
            levels[depth : depth + 2], class_names[depth : depth + 2], links
        )


def first_difference(tree: 'LabelTree', other: 'LabelTree') -> str | None:
    """The first difference between two trees in words, ``None`` if equal."""
    if tree.levels != other.levels:
        return f'levels {tree.levels} against {other.levels}'
    for level in tree.levels:
        own, others = tree.names(level), other.names(level)
        if len(own) != len(others):
            return (
                f'{len(own)} against {len(others)} classes at level {level!r}'
            )
        for index, (name, their) in enumerate(zip(own, others, strict=True)):
            if name != their:
                return (
                    f'class {index} of level {level!r} is {name!r} against '
                    f'{their!r}'
                )
    for depth in range(tree.num_levels - 1):
        above = tree.names(depth + 1)
        for name, mine, theirs in zip(
            tree.names(depth),
            tree.parents[depth],
            other.parents[depth],
            strict=True,
        ):
            if mine != theirs:
                return (
                    f'the parent of {name!r} is {above[mine]!r} against '
                    f'{above[theirs]!r}'
                )
    return None


def _check_list(what: str, value: Any) -> None:
    """Anything with an order but text, which is a list of letters."""
    if isinstance(value, str | bytes | dict) or not hasattr(value, '__len__'):
        raise ValueError(f'{what} must be a list, got {value!r:.60}')


def _check_names(level: str, names: Names) -> None:
    _check_list(f'class names of level {level!r}', names)
    if not names:
        raise ValueError(f'level {level!r} has no class')
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if not isinstance(name, str) or not name.strip():
            raise ValueError(
                f'class {index} of level {level!r} must have a name, got '
                f'{name!r}'
            )
        if name in seen:
            raise ValueError(
                f'classes {seen[name]} and {index} of level {level!r} are '
                f'both called {name!r}'
            )
        seen[name] = index


def _check_parents(
    levels: Names, class_names: Sequence[Names], parents: Sequence[int]
) -> None:
    """Check the links between a level and the next."""
    (level, level_above), (names, above) = levels, class_names
    _check_list(f'parents of level {level!r}', parents)
    if len(parents) != len(names):
        raise ValueError(
            f'level {level!r} has {len(names)} classes but {len(parents)} '
            'parents; every class has exactly one'
        )
    for name, parent in zip(names, parents, strict=True):
        if not _is_whole(parent):
            raise ValueError(
                f'parent of {level} {name!r} must be a whole number, its '
                f'place among the {level_above} names from 0 on, got '
                f'{parent!r}'
            )
        if not 0 <= parent < len(above):
            raise ValueError(
                f'parent {parent} of {level} {name!r} is outside '
                f'0..{len(above) - 1}'
            )
    childless = sorted(set(range(len(above))) - set(map(int, parents)))
    if childless:
        raise ValueError(
            f'{level_above} {above[childless[0]]!r} (index {childless[0]}) '
            'has no child: classes are numbered from 0 without gaps'
        )


def _is_whole(value: Any) -> bool:
    """Of any integer type, but no truth value, which JSON tells apart."""
    try:
        operator.index(value)
    except TypeError:
        return False
    return not isinstance(value, bool)
