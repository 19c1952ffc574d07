"""A client that sends what no browser would, byte by byte."""

import json
import re
import socket
import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ['Client', 'Reply']

#: Seconds without a byte that end an answer, such as an open stream.
SILENCE = 1.0
#: For the answer to an image, on a busy machine.
PATIENCE = 120.0
MOST = 4_000_000


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        status: Of HTTP; ``None``: the connection was closed without one.
        text: All of it, headers too.
    """

    status: int | None
    text: str


class Client:
    """Asks one server.

    Args:
        address: ``http://HOST:PORT``.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._place = parts.hostname, parts.port
        self._host = parts.netloc

    def send(
        self, request: bytes, silence: float = SILENCE, end: str | None = None
    ) -> Reply:
        """Send bytes, and read until the end, silence or a text."""
        received = bytearray()
        with socket.create_connection(self._place, timeout=silence) as line:
            try:
                line.sendall(request)
                while len(received) < MOST:
                    part = line.recv(65536)
                    if not part:
                        break
                    received += part
                    if end and end.encode() in part:
                        break
            except (TimeoutError, ConnectionError, BrokenPipeError):
                pass
        text = received.decode('utf-8', 'replace')
        status = re.match(r'HTTP/1\.[01] (\d{3})', text)
        return Reply(int(status[1]) if status else None, text)

    def get(self, path: str, **options) -> Reply:
        # In this version an answer is not cut into chunks.
        head = f'GET {path} HTTP/1.0\r\nHost: {self._host}\r\n'
        return self.send(
            f'{head}Connection: close\r\n\r\n'.encode(), **options
        )

    def page(self) -> Reply:
        """The page itself."""
        return self.get('/')

    def ask_about(self, image: str, server) -> str:
        """What the page answers to an image, as a browser asks it.

        Args:
            image: Data URI.
            server: Its :class:`page_requests.Server`.
        """
        session = uuid.uuid4().hex[:11]
        body = json.dumps(
            dict(
                data=[image, *server.parameters],
                fn_index=0,
                session_hash=session,
            )
        )
        head = (
            f'POST /gradio_api/queue/join HTTP/1.1\r\nHost: {self._host}\r\n'
            'Content-Type: application/json\r\nConnection: close\r\n'
            f'Content-Length: {len(body)}\r\n\r\n'
        )
        joined = self.send((head + body).encode(), PATIENCE)
        assert joined.status == 200, joined.text
        stream = self.get(
            f'/gradio_api/queue/data?session_hash={session}',
            silence=PATIENCE,
            end='close_stream',
        )
        return self._answer(stream.text)

    @staticmethod
    def _answer(stream: str) -> str:
        """The answer's HTML in the message that ends an event."""
        for line in stream.splitlines():
            if 'process_completed' in line:
                message = json.loads(line.partition('data: ')[2])
                return message['output']['data'][3]
        raise AssertionError(f'no answer in {stream[-500:]!r}')
