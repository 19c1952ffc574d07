"""JSON that is whole, and errors that name the line."""

import json
import os

import pytest

from mmc2f.files import (
    read_json,
    read_json_lines,
    to_json_bytes,
    write_json,
)


def test_written_and_read(tmp_path):
    path = tmp_path / 'new' / 'f.json'
    value = {'é': [1, 2.5, None, '\u2028']}
    write_json(path, value, indent=1)
    assert read_json(path) == value
    assert 'é' in path.read_text(encoding='utf-8')
    assert path.read_bytes().endswith(b'}\n')


def test_file_names_that_are_not_utf_8():
    name = os.fsdecode(b'caf\xe9.jpg')
    content = to_json_bytes({'image': name, 'other': 'é'})
    assert content.decode('utf-8')
    assert os.fsencode(json.loads(content)['image']) == b'caf\xe9.jpg'
    assert json.loads(content)['other'] == 'é'


@pytest.mark.parametrize('value', [float('nan'), [float('inf')]])
def test_what_json_does_not_know_is_refused(tmp_path, value):
    path = tmp_path / 'f.json'
    write_json(path, 1)
    with pytest.raises(ValueError, match='not JSON compliant'):
        write_json(path, value)
    assert read_json(path) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ('text', 'match'),
    [
        ('', r'line 1: no whole JSON'),
        ('{\n"a": 1,\n', r'line 3: no whole JSON .*cut short'),
        ('[' * 100_000, 'line 1: .*recursion'),
        ('1' * 5_000, 'line 1: '),
    ],
)
def test_no_json(tmp_path, text, match):
    path = tmp_path / 'f.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=match) as caught:
        read_json(path)
    assert str(caught.value).startswith(f'{path}, line ')


def test_lines(tmp_path):
    path = tmp_path / 'f.jsonl'
    path.write_text('{"a": "\u2028"}\n\n{"a": 2}\r\n', encoding='utf-8')
    assert list(read_json_lines(path)) == [
        (1, {'a': '\u2028'}),
        (3, {'a': 2}),
    ]


@pytest.mark.parametrize(
    ('line', 'match'),
    [('{"a": ', 'line 2: no whole JSON'), ('7', 'line 2: expected an obj')],
)
def test_line_is_named(tmp_path, line, match):
    path = tmp_path / 'f.jsonl'
    path.write_text('{}\n' + line)
    with pytest.raises(ValueError, match=match) as caught:
        list(read_json_lines(path))
    assert str(path) in str(caught.value)
