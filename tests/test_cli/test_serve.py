"""``mmc2f serve`` until Ctrl-C, and what it says where it cannot."""

import os
import signal
import socket
import threading
import time
import urllib.request
from contextlib import suppress

import pytest

from mmc2f.cli import serve


def test_the_missing_extra_is_named(say, work_dir, monkeypatch):
    monkeypatch.setattr(serve, 'find_spec', lambda name: None)
    said = say('serve', work_dir)
    assert said.code == 1
    assert said.last.endswith("run: pip install 'mmc2f[web]'")


@pytest.fixture
def web():
    pytest.importorskip('gradio', reason='the page needs gradio')


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('--port', '{used}'), 'it is in use; give another by --port'),
        (('--host', '192.0.2.1', '--port', 0), 'cannot be opened'),
        (('--examples', '{empty}'), 'has no image'),
        (('--max-megabytes', 0), 'megabytes must be above 0'),
        (('--max-megapixels', -1), 'megapixels must be above 0'),
        (('--max-seconds', 'nan'), 'seconds must be above 0'),
        (('--gallery', '{empty}/none'), 'none'),
    ],
)
def test_wrong_input_is_one_sentence(
    web, say, work_dir, tmp_path, words, message
):
    with socket.create_server(('127.0.0.1', 0)) as other:
        port = other.getsockname()[1]
        given = dict(used=port, empty=tmp_path)
        words = [str(word).format(**given) for word in words]
        if '--port' not in words:
            words += ['--port', '0']
        said = say('serve', work_dir, *words)
    assert said.code == 1
    assert message in said.last
    assert said.out == ''


@pytest.fixture
def ctrl_c_interrupts():
    """As in a terminal: a shell's background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures('ctrl_c_interrupts')
def test_serves_until_it_is_stopped(web, say, work_dir, images):
    """The page of a model as trained, asked and ended by Ctrl-C."""
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    pages = []

    def visit():
        while not pages:
            time.sleep(0.2)
            address = f'http://127.0.0.1:{port}/'
            with (
                suppress(OSError),
                urllib.request.urlopen(address, timeout=60) as page,
            ):
                pages.append(page.read().decode())
        os.kill(os.getpid(), signal.SIGINT)

    visitor = threading.Thread(target=visit, daemon=True)
    visitor.start()
    examples = images / 'test'
    said = say('serve', work_dir, '--port', port, '--examples', examples)
    visitor.join(timeout=60)
    assert said.code == 130
    assert f'http://127.0.0.1:{port} ' in said.out
    assert 'Drop an image' in pages[0]
    assert 'data-example' in pages[0]
    assert str(work_dir) not in pages[0]
