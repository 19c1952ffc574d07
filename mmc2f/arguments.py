"""Arguments that a config gives: checks and readings that many parts share."""

import operator
from collections.abc import Collection, Mapping
from numbers import Real
from typing import Any

__all__ = ['check_choice', 'check_real', 'check_whole', 'type_name']


def check_choice(name: str, value: object, choices: Collection[str]) -> None:
    """Check that an argument is one of its choices.

    Args:
        name: Name of the argument, for the message.
        value: Its value.
        choices: The values it may have.

    Raises:
        ValueError: It is none of them.
    """
    if value not in choices:
        allowed = ', '.join(map(repr, choices))
        raise ValueError(f'{name} must be one of {allowed}, got {value!r}')


def check_real(name: str, value: Any) -> None:
    """Check that an argument is a number, and not NaN.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(value, Real) or value != value:
        raise ValueError(f'{name} must be a number, got {value!r}')


def check_whole(name: str, value: Any, least: int = 1) -> None:
    """Check that an argument is a whole number, and no less than another.

    Args:
        name: Name of the argument, for the message.
        value: Its value, of any integer type.
        least: What it must be at least.

    Raises:
        ValueError: It is no such number.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    # True is 1 to Python, but nobody means it.
    if number is None or isinstance(value, bool):
        raise ValueError(f'{name} must be a whole number, got {value!r}')
    if number < least:
        raise ValueError(f'{name} must be at least {least}, got {value}')


def type_name(cfg: Mapping | str | type) -> str:
    """Class name of a config's ``type``, which may have a scope.

    Args:
        cfg: A config with a ``type``, or the type itself: a class, or its
            name with or without a scope.

    Returns:
        The name without the scope; empty for a config without a type.
    """
    kind = cfg.get('type', '') if isinstance(cfg, Mapping) else cfg
    return str(getattr(kind, '__name__', kind)).rpartition('.')[2]
