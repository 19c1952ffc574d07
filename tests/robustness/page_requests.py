"""Requests that are wrong in all ways, drawn at random."""

import base64
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ['KINDS', 'SESSIONS', 'Server', 'make_request']

HOST = '127.0.0.1'
JOIN, CANCEL = '/gradio_api/queue/join', '/gradio_api/cancel'
FILES = ('/etc/passwd', '/proc/self/environ', '/proc/self/cwd/setup.py')
UP = ('../', '..%2f', '%2e%2e/', '..\\', '..;/', '%252e%252e%252f', './../')
ROUTES = (
    *('upload', 'run/look', 'api/look', 'call/look', 'call/v2/look', 'info'),
    *('stream/1', 'stream/1/close', 'process_recording', 'vibe-edit', 'runs'),
    *('component_server', 'startup-events', 'app_id', 'token', 'user'),
    *('deep_link', 'openapi.json', 'login_check', 'upload_progress', 'reset'),
    *('dev/reload', 'custom_component/1/client/a/b', 'profiling/traces'),
    *('proxy=http://127.0.0.1:22/', 'queue/status', 'run-history/records'),
)
#: Of those who ask for events.
SESSIONS = ('images', 's1', 's2', 's3', 's4', 's5')
METHODS = ('PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT', 'BREW')


@dataclass(frozen=True)
class Server:
    """What is known of the page.

    Attributes:
        image: A data URI that it answers.
        parameters: Mode and sliders of its re-ranking.
        most: Bytes that a request may have.
        forbidden: Texts that no answer may have.
    """

    image: str
    parameters: list
    most: int
    forbidden: list[str]

    @classmethod
    def of(cls, visits, image: str, forbidden: Sequence[str]) -> 'Server':
        parameters = [visits.mode, *(knob.value for knob in visits.knobs)]
        most = visits.limits.max_request
        return cls(image, parameters, most, list(forbidden))


def make_request(kind: str, rng: random.Random, server: Server) -> bytes:
    """A request of a kind, of :data:`KINDS`."""
    return KINDS[kind](rng, server)


def _http(
    method: str,
    path: str,
    body: bytes = b'',
    headers: Sequence[str] = (),
    length: int | None = None,
) -> bytes:
    told = len(body) if length is None else length
    lines = [
        f'{method} {path} HTTP/1.1',
        f'Host: {HOST}',
        'Connection: close',
        *headers,
        *([f'Content-Length: {told}'] if told or method == 'POST' else []),
    ]
    return '\r\n'.join(lines).encode('latin-1', 'replace') + b'\r\n\r\n' + body


def _json(path: str, content: Any) -> bytes:
    body = json.dumps(content).encode()
    return _http('POST', path, body, ['Content-Type: application/json'])


def _any(rng: random.Random, depth: int = 0) -> Any:
    """Any JSON value."""
    kinds = [
        lambda: None,
        lambda: rng.choice([True, False]),
        lambda: rng.randint(-(2**70), 2**70),
        lambda: rng.choice([1e308, -0.0, float('nan'), float('inf'), 1e-320]),
        lambda: rng.choice(['', 'a\0b', '\ud800', '../' * 9, *FILES]),
        lambda: {
            'path': rng.choice(FILES),
            'meta': {'_type': 'gradio.FileData'},
        },
    ]
    if depth < 3:
        kinds += [
            lambda: [_any(rng, depth + 1) for _ in range(rng.randint(0, 4))],
            lambda: {str(_any(rng, 3)): _any(rng, depth + 1)},
        ]
    return rng.choice(kinds)()


def _noise(rng: random.Random, most: int = 400) -> bytes:
    return rng.randbytes(rng.randint(1, most))


def _event(rng: random.Random, server: Server, data: list) -> dict:
    return dict(
        data=data,
        fn_index=rng.randint(0, 12),
        session_hash=rng.choice(SESSIONS),
        event_data=rng.choice([None, _any(rng)]),
        trigger_id=rng.choice([None, 5, -1]),
    )


def _bad_json(rng: random.Random, server: Server) -> bytes:
    bodies = [
        *(b'', b'{', b'[1,', b'null', b'"a"', b'{"data":', b'\xff\xfe{}'),
        b'[' * 5000,
        b'{"a":' * 2000,
        b'{"data": NaN, "fn_index": Infinity}',
        _noise(rng),
    ]
    types = ['application/json', 'text/plain', 'application/x-pickle', 'x']
    kind = f'Content-Type: {rng.choice(types)}'
    path = rng.choice([JOIN, CANCEL])
    return _http('POST', path, rng.choice(bodies), [kind])


def _wrong_types(rng: random.Random, server: Server) -> bytes:
    names = ('data', 'fn_index', 'session_hash', 'event_data', 'trigger_id')
    more = ('event_id', 'batched', 'simple_format', 'request', 'api_name')
    content = {name: _any(rng) for name in (*names, rng.choice(more))}
    return _json(rng.choice([JOIN, CANCEL]), rng.choice([content, _any(rng)]))


def _wrong_values(rng: random.Random, server: Server) -> bytes:
    data = [_any(rng) for _ in range(rng.randint(0, 11))]
    return _json(JOIN, _event(rng, server, data))


def _wrong_sliders(rng: random.Random, server: Server) -> bytes:
    data = [rng.choice([None, _any(rng)]), *server.parameters]
    data[rng.randrange(1, len(data))] = _any(rng)
    return _json(JOIN, _event(rng, server, data))


def _bad_images(rng: random.Random, server: Server) -> bytes:
    whole = base64.b64decode(server.image.partition(',')[2])
    spoilt = bytearray(whole)
    spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
    contents = [
        whole[: rng.randrange(len(whole))],
        bytes(spoilt),
        _noise(rng),
        b'%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) run',
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/passwd"/>',
        b'\x89PNG\r\n\x1a\n' + _noise(rng),
    ]
    code = base64.b64encode(rng.choice(contents)).decode()
    sent = rng.choice(
        [
            f'data:image/png;base64,{code}',
            f'data:;base64,{code}',
            rng.choice(FILES),
            'file:///etc/passwd',
            f'example {rng.randint(-9, 99)}',
            f'example ../{code[:9]}',
            'http://127.0.0.1:22/',
        ]
    )
    content = dict(data=[sent, *server.parameters], fn_index=0)
    return _json(JOIN, {**content, 'session_hash': SESSIONS[0]})


def _unknown_events(rng: random.Random, server: Server) -> bytes:
    name = rng.choice(['x', 'a' * 64, 'a' * 300, '%00', '..', '1', "'"])
    return rng.choice(
        [
            _http('GET', f'/gradio_api/queue/data?session_hash={name}'),
            _http('GET', '/gradio_api/queue/data'),
            _http('GET', f'/gradio_api/heartbeat/{name}'),
            _http('GET', f'/gradio_api/call/look/{name}'),
            _json(CANCEL, dict(session_hash=name, fn_index=99, event_id=name)),
            _json(
                JOIN,
                dict(
                    data=[],
                    fn_index=rng.choice([-1, 99, 2**63, None]),
                    session_hash=name,
                ),
            ),
        ]
    )


def _files(rng: random.Random, server: Server) -> bytes:
    target = rng.choice([*FILES, *server.forbidden, 'C:\\Windows\\win.ini'])
    prefix = rng.choice(
        ['/gradio_api/file=', '/gradio_api/file/', '/file=', '/file/', '//']
    )
    return _http(rng.choice(['GET', 'HEAD']), prefix + target)


def _traversal(rng: random.Random, server: Server) -> bytes:
    prefix = rng.choice(
        ['/static/', '/assets/', '/svelte/', '/', '/gradio_api/file=']
    )
    steps = rng.choice(UP) * rng.randint(1, 12)
    ends = ['', '%00.png', '?a', '#a', '/.']
    path = prefix + steps + 'etc/passwd' + rng.choice(ends)
    return _http('GET', path)


def _other_routes(rng: random.Random, server: Server) -> bytes:
    path = '/gradio_api/' + rng.choice(ROUTES)
    if rng.random() < 0.2:
        outside = (
            'login',
            'logout',
            'monitoring',
            'docs',
            'redoc',
            'pwa_icon',
        )
        path = '/' + rng.choice(outside)
    if rng.random() < 0.5:
        return _http('GET', path)
    return _json(path, _any(rng))


def _wrong_methods(rng: random.Random, server: Server) -> bytes:
    path = rng.choice(['/', JOIN, CANCEL, '/config', '*'])
    return _http(rng.choice(METHODS), path, _noise(rng))


def _large_bodies(rng: random.Random, server: Server) -> bytes:
    told = rng.choice([server.most + 1, 10**9, 2**63, 10**30])
    if rng.random() < 0.5:
        return _http('POST', JOIN, b'x' * 1000, length=told)
    size = 60_000
    chunk = f'{size:x}\r\n'.encode() + b'x' * size + b'\r\n'
    head = _http('POST', CANCEL, headers=['Transfer-Encoding: chunked'])
    head = head.replace(b'Content-Length: 0\r\n', b'')
    return head + chunk * 3 + b'0\r\n\r\n'


def _bad_lengths(rng: random.Random, server: Server) -> bytes:
    lengths = ['-1', 'many', '0x10', '1e3', '', '5, 6', '+5', ' ', '00']
    head = f'POST {JOIN} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n'
    line = rng.choice(
        [
            f'Content-Length: {rng.choice(lengths)}',
            'Content-Length: 5\r\nContent-Length: 6',
            'Content-Length: 5\r\nTransfer-Encoding: chunked',
            'Transfer-Encoding: gzip, chunked',
            'Transfer-Encoding: chunked\r\n\r\nzz',
            'Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff',
        ]
    )
    return f'{head}{line}\r\n\r\n{{}}\r\n'.encode()


def _bad_multipart(rng: random.Random, server: Server) -> bytes:
    name = rng.choice(['a.png', '../../a.png', '/etc/cron.d/a', 'a\0.png', ''])
    part = (
        '--b\r\nContent-Disposition: form-data; name="files"; '
        f'filename="{name}"\r\n\r\n'
    )
    bodies = [
        part.encode() + _noise(rng) + b'\r\n--b--\r\n',
        part.encode(),
        b'--b' * 500,
        _noise(rng),
    ]
    kinds = ['multipart/form-data; boundary=b', 'multipart/form-data', 'x/y']
    path = rng.choice(['/gradio_api/upload', '/upload', JOIN, '/'])
    kind = f'Content-Type: {rng.choice(kinds)}'
    return _http('POST', path, rng.choice(bodies), [kind])


def _bad_headers(rng: random.Random, server: Server) -> bytes:
    headers = [
        'Host: evil.example',
        'Origin: http://evil.example',
        'Origin: null',
        'X-Forwarded-Host: evil.example\r\nX-Forwarded-For: 127.0.0.1',
        'X-Forwarded-Prefix: //evil.example/\r\nX-Forwarded-Proto: file',
        f'Cookie: {"a=" * 3000}',
        f'X-Long: {"a" * 90_000}',
        'no colon here',
        'Name With Space: 1',
        'X-Nul: a\0b',
        'Range: bytes=0-9999999999,-5',
        'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: a',
        'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk',
        'Expect: 200-ok',
        'Content-Encoding: gzip',
        'Accept-Language: ' + '../' * 99,
    ]
    path = rng.choice(['/', JOIN, '/config', '/theme.css'])
    method = 'POST' if path == JOIN else 'GET'
    return _http(method, path, headers=[rng.choice(headers)])


def _no_http(rng: random.Random, server: Server) -> bytes:
    lines = [
        _noise(rng, 2000),
        b'GET / HTTP/9.9\r\n\r\n',
        b'GET /\r\n\r\n',
        b'GET  HTTP/1.1\r\n\r\n',
        b'\r\n' * 50,
        b'GET /' + b'a' * 70_000 + b' HTTP/1.1\r\nHost: a\r\n\r\n',
        b'GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n',
        b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + _noise(rng),
        b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        b'GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
    ]
    # Nothing follows: the server must not wait for the rest for long.
    return rng.choice(lines) + b'\r\n\r\n'


KINDS: dict[str, Callable[[random.Random, Server], bytes]] = {
    'bad JSON': _bad_json,
    'wrong types': _wrong_types,
    'wrong values': _wrong_values,
    'wrong sliders': _wrong_sliders,
    'bad images': _bad_images,
    'unknown events and sessions': _unknown_events,
    'files by path': _files,
    'path traversal': _traversal,
    'other routes of Gradio': _other_routes,
    'wrong methods': _wrong_methods,
    'large bodies': _large_bodies,
    'bad lengths and chunks': _bad_lengths,
    'bad multipart': _bad_multipart,
    'bad headers': _bad_headers,
    'no HTTP': _no_http,
}
