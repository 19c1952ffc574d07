"""Malformed requests to the page: it goes on serving, and tells nothing.

A page on a tiny model is asked with bad JSON, wrong types, paths, huge and
broken bodies, wrong methods, unknown events and bad headers. No answer may
hold a path of the server, a traceback or the content of a file, every
refusal is a general sentence, and at the end the page answers an image as at
the start. Prints a table of the answers, and exits with 1 where one of this
does not hold.

Example:
    python tests/robustness/fuzz_page.py --requests 1000
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / 'test_web')]

from page_client import Client, Reply  # noqa: E402
from page_requests import KINDS, SESSIONS, Server, make_request  # noqa: E402
from served_page import served  # noqa: E402

#: What may not be in an answer, beside the paths of the run.
FORBIDDEN = (
    *('Traceback', 'site-packages', 'File "/', '/etc/passwd', 'root:x:'),
    *('/proc/', '/usr/', '/tmp/', '/home/', '/var/', '.pth', 'mmc2f/'),
)
STREAM = '/gradio_api/queue/data'
#: Wrong answers that are shown.
SHOWN = 9
Table = dict[str, Counter]


def fuzz(address: str, count: int, server: Server, seed: int) -> Table:
    """Send requests of all kinds in turn.

    Returns:
        For each kind, how often which status, or ``'closed'`` for a
        connection that was closed, was the answer.

    Raises:
        AssertionError: An answer tells too much, or the page is gone.
    """
    rng = random.Random(seed)
    client = Client(address)
    faults: list[str] = []
    table: Table = {kind: Counter() for kind in KINDS}
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        request = make_request(kind, rng, server)
        reply = client.send(request)
        table[kind][str(reply.status or 'closed')] += 1
        try:
            check(kind, request, reply, server.forbidden)
        except AssertionError as error:
            faults.append(str(error))
        if number % 100 == 99:
            assert client.page().status == 200, f'gone after {number}'
    for session in SESSIONS:
        # What events have been answered, which comes in a stream.
        told = client.get(f'{STREAM}?session_hash={session}', end='close_')
        try:
            check(f'events of {session}', b'', told, server.forbidden)
        except AssertionError as error:
            faults.append(str(error))
    shown = '\n'.join(faults[:SHOWN])
    assert not faults, f'{len(faults)} answers are wrong:\n{shown}'
    return table


def check(kind: str, request: bytes, reply: Reply, paths: list[str]) -> None:
    """An answer tells nothing of the server.

    Raises:
        AssertionError: It does, or it is an error that was not foreseen.
    """
    shown = f'{kind}: {request[:300]!r} -> {reply.text[:300]!r}'
    for word in (*FORBIDDEN, *paths):
        assert word not in reply.text, f'{word} in the answer to {shown}'
    # Not even what is asked for wrongly is an error of the server, but for
    # one that says that too much was asked at once.
    assert reply.status in (None, 503) or reply.status < 500, shown


def print_table(table: Table) -> None:
    """A line for each kind of request."""
    print(f'{"kind of request":28}{"sent":>6}  answers')
    for kind, counts in table.items():
        answers = ', '.join(f'{n} x {s}' for s, n in sorted(counts.items()))
        print(f'{kind:28}{counts.total():6}  {answers}')
    total = sum(counts.total() for counts in table.values())
    print(f'{"all":28}{total:6}')


def main(args: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--requests', type=int, default=1000)
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args(args)

    from tiny_page import tiny_visits

    with tempfile.TemporaryDirectory() as folder:
        visits, image = tiny_visits(Path(folder))
        server = Server.of(visits, image, [folder, str(Path.home()) + '/'])
        with served(visits, hurried=True) as address:
            before = Client(address).ask_about(image, server)
            assert 'c2f-name' in before, before
            table = fuzz(address, options.requests, server, options.seed)
            after = Client(address).ask_about(image, server)
    print_table(table)
    assert after == before, 'the page answers otherwise than before'
    print('The page answers as before; no path, file or traceback was told.')


if __name__ == '__main__':
    main()
