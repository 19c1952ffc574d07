"""No input reaches Gradio that the page's own components do not send."""

import json

import pytest

from mmc2f.web.event_body import check_event

FILE = {'path': '/proc/self/environ', 'meta': {'_type': 'gradio.FileData'}}
CHECKS = [
    (lambda x: x is None, lambda x: isinstance(x, str)),
    (),
]


def body(data, function=0):
    event = dict(session_hash='ab1', fn_index=function, data=data)
    return json.dumps(event).encode()


def test_inputs_of_a_function_pass():
    check_event(body([None, 'a']), CHECKS)
    check_event(body([], 1), CHECKS)
    check_event(b'{"session_hash": "a", "fn_index": 0}', CHECKS, is_end=True)


@pytest.mark.parametrize(
    'data', [[], [None], [None, 'a', 'b'], [None, 1], ['a', 'a'], {}, 'ab']
)
def test_other_inputs_are_refused(data):
    with pytest.raises(ValueError, match='input'):
        check_event(body(data), CHECKS)


def test_an_end_has_no_inputs():
    with pytest.raises(ValueError, match='inputs'):
        check_event(body([None, 'a']), CHECKS, is_end=True)


@pytest.fixture
def page(tmp_path):
    pytest.importorskip('gradio', reason='the page needs the extra [web]')
    from tiny_page import tiny_visits

    from mmc2f.web.page import build_page

    return build_page(tiny_visits(tmp_path)[0])


def test_components_of_the_page(page):
    from mmc2f.web.event_inputs import input_checks

    functions = input_checks(page)
    look = functions[0]
    sent = ['data:,', 'paper', *[0.5] * (len(look) - 2)]
    assert len(sent) > 4
    assert all(fits(x) for fits, x in zip(look, sent, strict=True))
    for place in range(len(look)):
        for wrong in (FILE, [FILE], [], {}, True, ['paper']):
            assert not look[place](wrong)
    assert not look[1]('/proc/self/environ')
    assert not look[2]('0.5')
    # The image that was looked at stays with the server.
    turn = next(checks for checks in functions if checks and not checks[0](''))
    assert turn[0](None)
    assert not turn[0](FILE)


def test_a_new_kind_of_component_is_noticed():
    gr = pytest.importorskip('gradio', reason='needs the extra [web]')
    from mmc2f.web.event_inputs import input_checks

    with gr.Blocks() as page:
        file = gr.File()
        file.upload(lambda x: None, inputs=file)
    with pytest.raises(TypeError, match='File'):
        input_checks(page)
