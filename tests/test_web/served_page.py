"""A page with a server of its own, beside the test."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def served(
    visits, title: str = 'mmc2f', hurried: bool = False
) -> Iterator[str]:
    """Serve a page beside the block.

    Args:
        visits, title: Of :func:`mmc2f.web.server.page_app`.
        hurried: Take requests at any rate.

    Yields:
        Its address.
    """
    from mmc2f.web.rate_limit import RateLimit
    from mmc2f.web.server import listen, page_app, page_server

    app = page_app(visits, title)
    if hurried:
        app.reads = app.asks = RateLimit(per_second=1e6, burst=10**6)
    server = page_server(app)
    with listen('127.0.0.1', 0) as opened:
        thread = threading.Thread(
            target=server.run, kwargs=dict(sockets=[opened]), daemon=True
        )
        thread.start()
        while not server.started:
            assert thread.is_alive(), 'the server did not start'
            time.sleep(0.02)
        try:
            yield f'http://127.0.0.1:{opened.getsockname()[1]}'
        finally:
            server.should_exit = True
            thread.join(timeout=30)
