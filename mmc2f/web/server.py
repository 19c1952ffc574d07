"""The page's server: one process, on this machine unless told otherwise."""

import errno
import os
import socket
from collections.abc import Callable, Iterable

import gradio as gr
import uvicorn
from fastapi import FastAPI

from mmc2f.web.event_inputs import input_checks
from mmc2f.web.gate import LOOPBACK, Gate
from mmc2f.web.page import build_page, page_style
from mmc2f.web.visit import Visits

__all__ = ['listen', 'page_app', 'page_server', 'serve']

#: Connections at a time, seconds that a silent one is kept, and seconds that
#: open ones have when the server ends.
CONNECTIONS, SILENCE, FAREWELL = 128, 10, 2
#: Addresses that stand for every name of a machine.
ANY = ('0.0.0.0', '::', '')


def page_app(
    visits: Visits, title: str = 'mmc2f', hosts: Iterable[str] = LOOPBACK
) -> Gate:
    """The page as an ASGI application, behind its gate.

    Args:
        visits: Answers.
        title: Over the page.
        hosts: Names that it is called by; empty: any.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    page = build_page(visits, title)
    gr.mount_gradio_app(
        app,
        page,
        path='/',
        show_error=False,
        footer_links=[],
        run_history=False,
        # The gate opens no route to a file; nor does Gradio.
        allowed_paths=[],
        blocked_paths=[os.path.abspath(os.sep)],
        max_file_size=visits.limits.max_bytes,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        pwa=False,
        **page_style(),
    )
    checks = input_checks(page)
    return Gate(app, visits.limits.max_request, checks, hosts)


def listen(host: str, port: int) -> socket.socket:
    """Open the port, so that a wrong one is told before a model is read.

    Args:
        host: Name or address.
        port: 0 for any that is free.

    Raises:
        OSError: It is in use, or may not be opened; in a sentence.
    """
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            reason = 'it is in use; give another by --port'
        raise OSError(
            f'port {port} of {host} cannot be opened: {reason}'
        ) from None


def page_server(app: Gate) -> uvicorn.Server:
    """What serves the page; :meth:`uvicorn.Server.run` does it."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws='none',
        lifespan='on',
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=SILENCE,
        timeout_graceful_shutdown=FAREWELL,
    )
    return uvicorn.Server(config)


def serve(
    visits: Visits,
    opened: socket.socket,
    title: str = 'mmc2f',
    host: str = LOOPBACK[0],
    say: Callable[[str], None] = print,
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        visits: Answers.
        opened: Of :func:`listen`.
        title: Over the page.
        host: As it was given to :func:`listen`.
        say: Told the address when the page is there.
    """
    names: tuple[str, ...] = ()
    if host not in ANY:
        names = (*LOOPBACK, host)
    server = page_server(page_app(visits, title, names))
    shown = LOOPBACK[0] if host in ANY else host
    if ':' in shown:
        shown = f'[{shown}]'
    say(f'http://{shown}:{opened.getsockname()[1]} (Ctrl-C ends it)')
    server.run(sockets=[opened])
