"""Files that are whole or are not there."""

import errno
import os
import resource
import signal
from contextlib import contextmanager

import pytest

from mmc2f.files import write_bytes, write_text, written_whole


@pytest.fixture
def path(tmp_path):
    path = tmp_path / 'deep' / 'table.json'
    write_text(path, 'old')
    return path


def names(path):
    return [p.name for p in path.parent.iterdir()]


def test_replaces_and_leaves_nothing_aside(path):
    write_text(path, 'né')
    assert path.read_bytes() == 'né'.encode()
    assert names(path) == [path.name]


def test_is_what_it_was_until_the_end(path):
    with written_whole(path) as part:
        assert part.parent == path.parent and part.suffix == path.suffix
        part.write_text('half')
        assert path.read_text() == 'old'
    assert path.read_text() == 'half'


@pytest.mark.parametrize('error', [ValueError, KeyboardInterrupt])
def test_an_error_keeps_the_old_file(path, error):
    with pytest.raises(error), written_whole(path) as part:
        part.write_text('half')
        raise error
    assert path.read_text() == 'old'
    assert names(path) == [path.name]


def test_a_link_is_followed(path, tmp_path):
    link = tmp_path / 'link.json'
    link.symlink_to(path)
    write_text(link, 'new')
    assert link.is_symlink() and path.read_text() == 'new'


def test_what_is_no_file_is_written_to(tmp_path):
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_bytes(pipe, b'text')
        assert os.read(reader, 10) == b'text'
    finally:
        os.close(reader)
    assert names(pipe) == ['pipe']


@contextmanager
def small_disk():
    """Files end at 4 kB, as they do on a full disk.

    Around the call alone: the limit holds for the report of pytest as well,
    which may go to a file.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_write_that_fails_names_the_file(path):
    with pytest.raises(OSError, match='not written') as caught, small_disk():
        write_bytes(path, b'x' * 5000)
    assert caught.value.errno == errno.EFBIG
    assert str(path) in str(caught.value)
    assert 'part' not in str(caught.value).replace(str(path), '')
    assert path.read_text() == 'old'
    assert names(path) == [path.name]


def test_a_disk_found_full_at_the_sync_keeps_the_old_file(path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match=r'No space left.*table\.json'):
        write_text(path, 'new')
    assert path.read_text() == 'old'
    assert names(path) == [path.name]


def test_folders_that_cannot_be_written_to(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(NotADirectoryError, match=r'table\.json'):
        write_text(tmp_path / 'file' / 'table.json', 'new')
    with pytest.raises(IsADirectoryError, match=r'not written'):
        write_text(tmp_path, 'new')


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write anywhere')
def test_read_only_folder(path):
    path.parent.chmod(0o500)
    with pytest.raises(PermissionError, match=r'table\.json'):
        write_text(path, 'new')
    assert path.read_text() == 'old'
