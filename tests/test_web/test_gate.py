"""What the gate lets through, on an application that does as it is told."""

import asyncio
import json

import pytest

from mmc2f.web.gate import ASK, END, HEADERS, SMALL, WORDS, Gate
from mmc2f.web.rate_limit import RateLimit

SECRET = b'/srv/secret/model.pth line 3'
MAX_BYTES, FUNCTIONS = 50_000, [()] * 12
EVENT = b'{"session_hash": "ab12", "fn_index": 0, "data": []}'


def make_app(status=200, error=None, late_error=None):
    """An ASGI application, which keeps the bodies that it was given."""

    async def app(scope, receive, send):
        if scope['type'] == 'lifespan':
            app.lifespans += 1
            return
        app.bodies.append((await receive())['body'])
        if error is not None:
            raise error
        start = {'type': 'http.response.start', 'status': status}
        headers = [(b'server', b'uvicorn'), (b'x-own', b'1')]
        await send({**start, 'headers': headers})
        await send({'type': 'http.response.body', 'body': SECRET})
        if late_error is not None:
            raise late_error

    app.bodies, app.lifespans = [], 0
    return app


def ask(gate, method='GET', path='/', headers=(), parts=(b'',), client='me'):
    """A request, in parts, and its answer: status, headers, body."""
    given = {'host': 'localhost:7860', **dict(headers)}
    if method == 'POST' and parts == (b'',):
        parts = (EVENT,)
    scope = {
        'type': 'http',
        'method': method,
        'path': path,
        'client': (client, 1),
        'headers': [
            (name.encode(), value.encode())
            for name, value in given.items()
            if value is not None
        ],
    }
    waiting = list(parts)
    sent = []

    async def receive():
        if not waiting:
            await asyncio.sleep(60)
        body = waiting.pop(0)
        if body is None:
            return {'type': 'http.disconnect'}
        more = bool(waiting) or (len(parts) > 1 and parts[-1] == b'...')
        return {'type': 'http.request', 'body': body, 'more_body': more}

    async def send(message):
        sent.append(message)

    asyncio.run(gate(scope, receive, send))
    starts = [m for m in sent if m['type'] == 'http.response.start']
    assert len(starts) == 1
    body = b''.join(m.get('body', b'') for m in sent)
    return starts[0]['status'], starts[0]['headers'], body


def make_gate(app=None, **options) -> Gate:
    return Gate(app or make_app(), MAX_BYTES, FUNCTIONS, **options)


@pytest.mark.parametrize(
    ('method', 'path'),
    [
        ('GET', '/'),
        ('HEAD', '/'),
        ('GET', '/config'),
        ('GET', '/theme.css'),
        ('GET', '/assets/index-D_x.js'),
        ('GET', '/static/fonts/a b/x.woff2'),
        ('GET', '/gradio_api/queue/data'),
        ('GET', '/gradio_api/heartbeat/abc123'),
        ('POST', ASK),
        ('POST', END),
    ],
)
def test_what_the_page_needs(method, path):
    status, headers, body = ask(make_gate(), method, path)
    assert status == 200
    assert body == SECRET
    assert set(HEADERS) <= set(headers)
    assert b'server' not in dict(headers)


def test_an_input_of_no_component_does_not_reach_gradio():
    app = make_app()
    gate = Gate(app, MAX_BYTES, [(lambda value: isinstance(value, str),)])
    event = dict(session_hash='ab12', fn_index=0)
    file = {'path': '/etc/passwd', 'meta': {'_type': 'gradio.FileData'}}
    for sent, status in (['a'], 200), ([file], 400), ([], 400):
        body = json.dumps({**event, 'data': sent}).encode()
        assert ask(gate, 'POST', ASK, parts=(body,))[0] == status
    assert len(app.bodies) == 1
    # What ends an event has no inputs.
    assert (
        ask(gate, 'POST', END, parts=(json.dumps(event).encode(),))[0] == 200
    )


@pytest.mark.parametrize(
    ('method', 'path', 'status'),
    [
        ('GET', '/gradio_api/file=/etc/passwd', 404),
        ('GET', '/gradio_api/file/etc/passwd', 404),
        ('GET', '/file=/etc/passwd', 404),
        ('GET', '/static/../../../etc/passwd', 404),
        ('GET', '/assets/..%2f..%2fetc/passwd', 404),
        ('GET', '/static/a\0b', 404),
        ('GET', '/static/a\nb', 404),
        ('GET', '/config\n', 404),
        ('GET', '/gradio_api/proxy=http://example.org', 404),
        ('GET', '/gradio_api/info', 404),
        ('GET', '/gradio_api/heartbeat/a/b', 404),
        ('GET', '/monitoring', 404),
        ('GET', '/docs', 404),
        ('GET', ASK, 404),
        ('POST', '/', 404),
        ('POST', '/login', 404),
        ('POST', '/gradio_api/upload', 404),
        ('POST', '/gradio_api/run/predict', 404),
        ('POST', '/gradio_api/call/look', 404),
        ('POST', '/gradio_api/component_server', 404),
        ('PUT', '/', 405),
        ('DELETE', ASK, 405),
        ('TRACE', '/', 405),
        ('CONNECT', 'example.org:443', 405),
        ('get', '/', 405),
    ],
)
def test_all_else_is_closed(method, path, status):
    app = make_app()
    found, _, body = ask(make_gate(app), method, path)
    assert found == status
    assert json.loads(body)['detail'] == WORDS[status]
    assert app.bodies == []


@pytest.mark.parametrize(
    ('host', 'status'),
    [
        ('localhost:7860', 200),
        ('127.0.0.1', 200),
        ('[::1]:7860', 200),
        ('evil.example:7860', 403),
        ('localhost.evil.example', 403),
        ('', 403),
        (None, 403),
    ],
)
def test_hosts(host, status):
    headers = {'host': host}
    assert ask(make_gate(), headers=headers)[0] == status
    assert ask(make_gate(hosts=()), headers=headers)[0] == 200


@pytest.mark.parametrize(
    ('origin', 'status'),
    [
        ('http://localhost:7860', 200),
        (None, 200),
        ('http://evil.example', 403),
        ('http://localhost:1', 403),
        ('null', 403),
    ],
)
def test_other_pages_cannot_ask(origin, status):
    headers = {'origin': origin}
    assert ask(make_gate(), 'POST', ASK, headers)[0] == status


def test_a_body_arrives_whole():
    app = make_app()
    assert (
        ask(make_gate(app), 'POST', ASK, parts=(EVENT[:9], EVENT[9:]))[0]
        == 200
    )
    assert app.bodies == [EVENT]


@pytest.mark.parametrize(
    ('path', 'length', 'status'),
    [
        (ASK, MAX_BYTES, 200),
        (ASK, MAX_BYTES + 1, 413),
        (END, SMALL, 200),
        (END, SMALL + 1, 413),
    ],
)
@pytest.mark.parametrize('is_told', [True, False])
def test_sizes(path, length, status, is_told):
    headers = {'content-length': str(length)} if is_told else {}
    parts = (EVENT + b' ' * (length - len(EVENT) - 100), b' ' * 100)
    assert ask(make_gate(), 'POST', path, headers, parts)[0] == status


@pytest.mark.parametrize('length', ['-1', 'many', '1e3', '٣'])
def test_a_length_that_is_none(length):
    headers = {'content-length': length}
    assert ask(make_gate(), 'POST', ASK, headers)[0] == 400


def test_a_body_that_does_not_arrive():
    gate = make_gate(patience=0.05)
    assert ask(gate, 'POST', ASK, parts=(b'a', b'...'))[0] == 408


def test_a_client_that_hangs_up():
    app = make_app()
    assert ask(make_gate(app), 'POST', ASK, parts=(b'a', None))[0] == 400
    assert app.bodies == []


@pytest.mark.parametrize(('method', 'path'), [('GET', '/'), ('POST', ASK)])
def test_rates(method, path):
    limits = [RateLimit(1, 2, clock=lambda: 0.0) for _ in range(2)]
    gate = make_gate(reads=limits[0], asks=limits[1])
    found = [ask(gate, method, path)[0] for _ in range(4)]
    assert found == [200, 200, 429, 429]
    assert ask(gate, method, path, client='you')[0] == 200


@pytest.mark.parametrize('status', [400, 404, 422, 418, 500, 502])
def test_an_error_of_the_application_keeps_its_text(status):
    found, _, body = ask(make_gate(make_app(status)))
    assert found == (status if status in WORDS else 500)
    assert b'secret' not in body
    assert json.loads(body)['detail'] == WORDS[found]


def test_an_exception_is_told_in_the_log_alone(caplog):
    app = make_app(error=RuntimeError(SECRET.decode()))
    status, _, body = ask(make_gate(app))
    assert status == 500
    assert b'secret' not in body
    assert 'secret' in caplog.text


def test_an_exception_in_the_middle_of_an_answer(caplog):
    app = make_app(late_error=RuntimeError('late'))
    assert ask(make_gate(app))[0] == 200
    assert 'late' in caplog.text


def test_start_and_end_reach_the_application():
    app = make_app()
    asyncio.run(make_gate(app)({'type': 'lifespan'}, None, None))
    assert app.lifespans == 1


def test_no_websocket():
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(make_gate()({'type': 'websocket'}, None, send))
    assert sent == [{'type': 'websocket.close', 'code': 1008}]


@pytest.mark.parametrize(
    'body',
    [
        b'',
        b'{',
        b'null',
        b'[]',
        b'\xff\xfe',
        b'[' * 40_000,
        EVENT.replace(b'0', b'NaN'),
        EVENT.replace(b'0', b'Infinity'),
        EVENT.replace(b'0', b'-1'),
        EVENT.replace(b'0', b'12'),
        EVENT.replace(b'0', b'true'),
        EVENT.replace(b'0', b'"0"'),
        EVENT.replace(b'"ab12"', b'12'),
        EVENT.replace(b'"ab12"', b'null'),
        EVENT.replace(b'ab12', b''),
        EVENT.replace(b'ab12', b'../a'),
        EVENT.replace(b'ab12', b'a' * 65),
        EVENT.replace(b'[]', b'{}'),
        EVENT.replace(b'[]', b'[' + b'0,' * 64 + b'0]'),
    ],
)
@pytest.mark.parametrize('path', [ASK, END])
def test_what_is_no_event(path, body):
    app = make_app()
    # In two parts, for an empty one stands for an event here.
    assert ask(make_gate(app), 'POST', path, parts=(body, b''))[0] in (
        400,
        413,
    )
    assert app.bodies == []
