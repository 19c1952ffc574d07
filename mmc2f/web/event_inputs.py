"""What the inputs of an event may be, by the components they come from.

Gradio copies every file that a request names into a folder of its own, before
the component that it is meant for is asked, and its errors quote what was
sent and where the copy lies. So nothing gets there that the page's own
components do not send: no list, no object.
"""

from typing import Any

import gradio as gr

from mmc2f.web.event_body import Check

__all__ = ['input_checks']


def input_checks(page: gr.Blocks) -> list[tuple[Check, ...]]:
    """For each function of a page, what each of its inputs must fulfil.

    Args:
        page: Its events take states, HTML, radios and sliders only.

    Raises:
        TypeError: An event takes another component.
        ValueError: The functions are not numbered from 0 on.
    """
    if list(page.fns) != list(range(len(page.fns))):
        raise ValueError(f'functions are numbered {list(page.fns)}')
    return [
        tuple(_check_of(component) for component in function.inputs)
        for function in page.fns.values()
    ]


def _check_of(component: Any) -> Check:
    if isinstance(component, gr.State):
        # The server keeps it.
        return lambda value: value is None
    if isinstance(component, gr.HTML):
        return lambda value: value is None or isinstance(value, str)
    if isinstance(component, gr.Radio):
        choices = [key for _, key in component.choices]
        return lambda value: isinstance(value, str) and value in choices
    if isinstance(component, gr.Slider):
        return _is_number
    raise TypeError(
        f'no event of the page may take a {type(component).__name__}'
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
