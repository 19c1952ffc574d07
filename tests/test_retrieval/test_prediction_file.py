"""Predictions in a file: whole, and checked line by line."""

import os

import pytest

from mmc2f.retrieval.prediction_file import (
    read_predictions,
    write_predictions,
)

RECORD = {
    'image': 'a/1.jpg',
    'truth': 'ant',
    'coarse': [{'class': 'ant', 'probability': 0.5}],
    'reranked': [{'class': 'ant', 'score': 1}],
    'neighbours': [{'image': 'b.jpg', 'class': 'ant', 'similarity': 0.5}],
    'regions': [{'box': [0, 0, 1.5, 2], 'score': None}],
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / 'predictions.jsonl'
    write_predictions(path, [RECORD])
    return path


def test_written_and_read(path):
    name = os.fsdecode(b'caf\xe9/\xc3\xa9.jpg')
    records = [RECORD, {**RECORD, 'image': name, 'truth': None}]
    write_predictions(path, records)
    assert list(read_predictions(path)) == [(1, records[0]), (2, records[1])]


def test_a_failure_in_the_middle_keeps_the_old_file(path):
    def records():
        yield {**RECORD, 'image': 'new'}
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_predictions(path, records())
    assert list(read_predictions(path)) == [(1, RECORD)]
    assert list(path.parent.iterdir()) == [path]


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no predictions .*none\.js'):
        list(read_predictions(tmp_path / 'none.jsonl'))


def without(field):
    return {k: v for k, v in RECORD.items() if k != field}


@pytest.mark.parametrize(
    ('record', 'match'),
    [
        (without('image'), "no 'image'"),
        (without('truth'), "no 'truth'"),
        (without('coarse'), "no 'coarse' answers"),
        (RECORD | {'image': 7}, "'image' is no name, but 7"),
        (RECORD | {'coarse': []}, "no 'coarse' answers"),
        (RECORD | {'reranked': 'ant'}, "'reranked' is no list"),
        (RECORD | {'coarse': ['ant']}, r"'coarse'\[0\] is no object"),
        (RECORD | {'coarse': [{'class': 'a'}]}, "has no 'probability'"),
        (
            RECORD | {'reranked': [{'class': None, 'score': 1}]},
            "has None as 'class'",
        ),
        (
            RECORD | {'regions': [{'box': [1, 2, 3], 'score': 1}]},
            'other than 4 numbers',
        ),
        (
            RECORD | {'regions': [{'box': [1, 2, 3, 'x'], 'score': 1}]},
            'other than 4 numbers',
        ),
    ],
)
def test_line_and_field_are_named(path, record, match):
    write_predictions(path, [RECORD, record])
    with pytest.raises(ValueError, match=match) as caught:
        list(read_predictions(path))
    assert str(caught.value).startswith(f'{path}, line 2: ')
