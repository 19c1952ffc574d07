"""Arguments that a config gives: checks and readings that many parts share."""

from collections.abc import Collection, Mapping

__all__ = ['check_choice', 'type_name']


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
