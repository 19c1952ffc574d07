"""What a page may say of an event, checked before Gradio reads it.

Gradio's own reader accepts what its code then fails on, such as a session
that is a number or a function that there is not.
"""

import json
import re
from typing import Any

__all__ = ['check_event']

#: As Gradio's page draws it at random.
SESSION = re.compile(r'\w{1,64}', re.ASCII)
#: More than an event has.
MOST_INPUTS = 64


def check_event(body: bytes, num_functions: int) -> None:
    """Check the body of a request that begins or ends an event.

    Args:
        body: JSON.
        num_functions: How many the page has.

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
    if not _is_index(function, num_functions):
        raise ValueError('it names no function')
    inputs = event.get('data', [])
    if not isinstance(inputs, list) or len(inputs) > MOST_INPUTS:
        raise ValueError('it has no list of inputs')


def _is_index(value: Any, most: int) -> bool:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole and 0 <= value < most


def _refuse(name: str) -> None:
    raise ValueError(f'{name} is no number of JSON')
