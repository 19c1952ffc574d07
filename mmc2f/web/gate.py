"""What reaches the page's server, and what leaves it.

Gradio has some ninety routes: uploads to a folder, files by their paths, a
proxy, logins, streams, an editor. The page needs a few of them. All others
are closed here, whatever Gradio's next release opens.
"""

import asyncio
import json
import logging
import re
from collections.abc import (
    Awaitable,
    Callable,
    Iterable,
    MutableMapping,
    Sequence,
)
from typing import Any

from mmc2f.web.event_body import Check, check_event
from mmc2f.web.rate_limit import RateLimit

__all__ = ['LOOPBACK', 'Gate']

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

#: Names of this machine for itself.
LOOPBACK = ('127.0.0.1', 'localhost', '::1')
#: What the page asks for: its frame, its scripts and fonts, and events.
READ = re.compile(
    r'/|/(config|theme\.css|favicon\.ico|manifest\.json|robots\.txt)'
    r'|/(assets|static)/[\w.\-+@%/ ]+'
    r'|/gradio_api/(startup-events|queue/data|heartbeat/\w{1,64})'
)
ASK, END = '/gradio_api/queue/join', '/gradio_api/cancel'
METHODS = {'GET': READ, 'HEAD': READ, 'POST': re.compile(f'{ASK}|{END}')}
#: Bytes of a request that holds no image, and seconds for any to arrive.
SMALL, PATIENCE = 16_000, 20.0
#: Requests a second, and at once. A page is some hundred files; a slider that
#: is drawn asks often.
READS, ASKS = (60, 600), (20, 60)
WORDS = {
    400: 'The request cannot be understood.',
    403: 'This page can only be asked by itself.',
    404: 'There is no such page.',
    405: 'This cannot be done here.',
    408: 'The request took too long to arrive.',
    413: 'The request is too large.',
    422: 'The request cannot be understood.',
    429: 'Too many requests; wait a moment.',
    500: 'Something went wrong; the log of the server says what.',
    503: 'The page is busy; wait a moment.',
}
#: No script, picture or request from elsewhere, and no page around this one.
#: Gradio runs templates as code, hence "unsafe".
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; worker-src 'self' blob:; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = (
    (b'content-security-policy', POLICY.encode()),
    (b'x-content-type-options', b'nosniff'),
    (b'referrer-policy', b'no-referrer'),
)
logger = logging.getLogger(__name__)


class Refusal(Exception):
    """A request ends here.

    Args:
        status: Of HTTP, one of :data:`WORDS`.
    """

    def __init__(self, status: int) -> None:
        super().__init__(WORDS[status])
        self.status = status


class Gate:
    """ASGI application that lets through what the page needs.

    Routes, methods, hosts, sizes, times and rates that are not foreseen are
    refused. An error of the application is told in a general sentence: no
    text of it, which may name files, leaves the server.

    Args:
        app: What answers.
        max_bytes: Of a request with an image.
        functions: That events can ask for; what each input of each must
            fulfil.
        hosts: Names that the server is called by; a page elsewhere that has
            its own name lead here cannot ask (DNS rebinding). Empty: any.
        reads, asks: How often one client may ask for a file, and for an
            answer.
        patience: Seconds for a request to arrive whole.
    """

    def __init__(
        self,
        app: App,
        max_bytes: int,
        functions: Sequence[Sequence[Check]],
        hosts: Iterable[str] = LOOPBACK,
        reads: RateLimit | None = None,
        asks: RateLimit | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.functions = functions
        self.hosts = frozenset(hosts)
        self.reads = reads or RateLimit(*READS)
        self.asks = asks or RateLimit(*ASKS)
        self.patience = patience

    async def __call__(
        self, scope: Message, receive: Receive, send: Send
    ) -> None:
        if scope['type'] == 'lifespan':
            await self.app(scope, receive, send)
            return
        if scope['type'] != 'http':
            # No websocket is needed.
            await send({'type': 'websocket.close', 'code': 1008})
            return
        leaving = _Leaving(send)
        try:
            self._check(scope)
            body = await self._body(scope, receive)
            await self.app(scope, _replay(body, receive), leaving)
            leaving.check()
        except Refusal as refusal:
            await leaving.refuse(refusal.status)
        except Exception:
            logger.exception('%s %s', scope['method'], scope['path'])
            await leaving.refuse(500)

    def _check(self, scope: Message) -> None:
        """What can be told before the body is read."""
        client = (scope.get('client') or ('', 0))[0]
        method, path = scope['method'], scope['path']
        is_ask = method == 'POST'
        limit = self.asks if is_ask else self.reads
        if not limit.allows(client):
            raise Refusal(429)
        if method not in METHODS:
            raise Refusal(405)
        if '..' in path or not METHODS[method].fullmatch(path):
            raise Refusal(404)
        headers = _headers(scope)
        host = headers.get(b'host', b'').decode('latin-1')
        if self.hosts and _name(host) not in self.hosts:
            raise Refusal(403)
        origin = headers.get(b'origin', b'').decode('latin-1')
        if is_ask and origin and origin.partition('://')[2] != host:
            raise Refusal(403)

    async def _body(self, scope: Message, receive: Receive) -> bytes:
        """The body, whole; refused as soon as it is too large or wrong."""
        most = self.max_bytes if scope['path'] == ASK else SMALL
        length = _headers(scope).get(b'content-length', b'0')
        if not length.isdigit():
            raise Refusal(400)
        if int(length) > most:
            raise Refusal(413)
        try:
            body = await asyncio.wait_for(_read(receive, most), self.patience)
        except asyncio.TimeoutError:
            raise Refusal(408) from None
        if scope['method'] == 'POST':
            try:
                check_event(body, self.functions, scope['path'] == END)
            except ValueError:
                raise Refusal(400) from None
        return body


class _Leaving:
    """What an application sends, without what only its author may read."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = False
        self._error: int | None = None

    async def __call__(self, message: Message) -> None:
        if message['type'] == 'http.response.start':
            if message['status'] >= 400:
                self._error = message['status']
                return
            self._has_begun = True
            kept = [
                (name, value)
                for name, value in message.get('headers', [])
                if name.lower() != b'server'
            ]
            message = {**message, 'headers': [*kept, *HEADERS]}
        elif self._error is not None:
            return
        await self._send(message)

    def check(self) -> None:
        """Tell an error of the application in our words."""
        if self._error is not None:
            raise Refusal(self._error if self._error in WORDS else 500)

    async def refuse(self, status: int) -> None:
        """Answer in a sentence, unless an answer is under way."""
        if self._has_begun:
            return
        body = json.dumps({'detail': WORDS[status]}).encode()
        headers = [
            (b'content-type', b'application/json'),
            (b'content-length', str(len(body)).encode()),
            # What the client still sends is not read.
            (b'connection', b'close'),
            *HEADERS,
        ]
        start = {'type': 'http.response.start', 'status': status}
        await self._send({**start, 'headers': headers})
        await self._send({'type': 'http.response.body', 'body': body})


def _headers(scope: Message) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in scope['headers']}


def _name(host: str) -> str:
    """The name in ``name:port``, also of ``[::1]:port``."""
    if host.startswith('['):
        return host[1:].partition(']')[0]
    return host.partition(':')[0]


async def _read(receive: Receive, most: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message['type'] == 'http.disconnect':
            raise Refusal(400)
        body += message.get('body', b'')
        if len(body) > most:
            raise Refusal(413)
        if not message.get('more_body'):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Gives the body once, then what the server says, such as a hang-up."""
    is_given = False

    async def give() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {'type': 'http.request', 'body': body, 'more_body': False}

    return give
