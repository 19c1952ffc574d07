"""What a page may say of an event, checked before Gradio reads it.

Gradio's own reader accepts what its code then fails on, such as a session
that is a number or a function that there is not.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

__all__ = ['Check', 'check_event']

#: Whether a value may be an input.
Check = Callable[[Any], bool]

#: As Gradio's page draws it at random.
SESSION = re.compile(r'\w{1,64}', re.ASCII)


def check_event(
    body: bytes,
    functions: Sequence[Sequence[Check]],
    is_end: bool = False,
) -> None:
    """Check the body of a request that begins or ends an event.

    Args:
        body: JSON.
        functions: Of the page; what each input of each must fulfil, see
            :func:`mmc2f.web.event_inputs.input_checks`.
        is_end: Of a request that ends an event, and so has no inputs.

    Raises:
        ValueError: It is no JSON object, has a number that JSON has not, or a
            session, a function or inputs of another form.
    """
    try:
        event = json.loads(body, parse_constant=_refuse)
    except RecursionError:
        raise ValueError('it is nested too deeply') from None
    if not isinstance(event, dict):
        raise ValueError('it is no object')
    session, function = event.get('session_hash'), event.get('fn_index')
    if not isinstance(session, str) or not SESSION.fullmatch(session):
        raise ValueError('it names no session')
    if not _is_index(function, len(functions)):
        raise ValueError('it names no function')
    inputs, checks = event.get('data', []), functions[function]
    if is_end:
        checks = ()
    if not isinstance(inputs, list) or len(inputs) != len(checks):
        raise ValueError('it has not the inputs of its function')
    if not all(fits(x) for fits, x in zip(checks, inputs, strict=True)):
        raise ValueError('an input is none of its component')


def _is_index(value: Any, most: int) -> TypeGuard[int]:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole and 0 <= value < most


def _refuse(name: str) -> None:
    raise ValueError(f'{name} is no number of JSON')
