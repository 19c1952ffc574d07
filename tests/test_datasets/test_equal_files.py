"""Groups of files with the same content."""

import os
from pathlib import Path

import pytest

from mmc2f.datasets.equal_files import equal_files


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    return write_file


LONG = os.urandom(10_000)


def test_groups_by_content(write):
    a, b, c = (write(n, LONG) for n in 'abc')
    # Of the same size; of the same end; of the same beginning.
    others = [
        write('d', os.urandom(len(LONG))),
        write('e', bytes(5_000) + LONG[5_000:]),
        write('f', LONG[:5_000] + bytes(5_000)),
        write('g', LONG[1:]),
    ]
    short, same = write('h', b'x'), write('i', b'x')
    paths = [a, *others, short, b, c, same]
    assert equal_files(paths) == [[a, b, c], [short, same]]


def test_what_cannot_be_read_or_is_empty_is_left_out(write, tmp_path):
    empty = [write('a', b''), write('b', b'')]
    paths = [*empty, 'no/file', 's3://no/file', str(tmp_path), 'nul\0']
    assert equal_files(paths * 2) == []


def test_a_path_given_twice_counts_once(write):
    path = write('a', b'x')
    assert equal_files([path, path]) == []


def test_only_files_that_may_be_equal_are_read(write, monkeypatch):
    paths = [write(n, LONG) for n in 'ab']
    paths += [write(f'{n}', os.urandom(10 + n)) for n in range(9)]
    read = []

    def counted(path, *args, **kwargs):
        read.append(Path(path).name)
        return open(path, *args, **kwargs)

    monkeypatch.setattr(
        'mmc2f.datasets.equal_files.open', counted, raising=False
    )
    assert equal_files(paths) == [paths[:2]]
    assert set(read) == {'a', 'b'}
