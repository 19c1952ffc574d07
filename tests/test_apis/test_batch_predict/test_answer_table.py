"""Answers go into a table and come back as they were."""

import os

import pytest

from mmc2f.apis.batch_predict import answer_table, read_answers

pytest.importorskip('pyarrow', reason="needs 'mmc2f[scale]'")
pq = pytest.importorskip('pyarrow.parquet')

FULL = {
    'image': 'a.jpg',
    'pred_label': 1,
    'pred_class': 'blue',
    'pred_score': 0.1 + 0.2,
    'coarse_label': 0,
    'coarse_class': 'amber',
    'coarse_score': 1 / 3,
    'coarse': [{'class': 'amber', 'probability': 1 / 3}],
    'reranked': [{'class': 'blue', 'score': 1.25}],
    'neighbours': [
        {'image': 'x.png', 'class': 'blue', 'similarity': 0.9},
        {'image': None, 'class': None, 'similarity': float('-inf')},
    ],
    'reason': {'mode': 'paper', 'margins': {'votes': 0.5}, 'rival': None},
    'levels': [
        {'level': 'a', 'class': 'b', 'probability': 0.5, 'of_answer': 'c'}
    ],
    'finest_sure': {'level': 'a', 'class': 'b', 'probability': 0.5},
    'boxes': [{'box': [0.0, 1.5, 2.0, 3.0], 'score': 0.25, 'scale': 1}],
}


def through_file(answers, tmp_path, **kwargs):
    path = tmp_path / 'a.parquet'
    pq.write_table(answer_table(answers, **kwargs), path)
    return list(read_answers([path])), pq.read_schema(path)


def test_answers_come_back(tmp_path):
    damaged = {'image': 'b.jpg', 'error': 'b.jpg cannot be read'}
    found, schema = through_file([FULL, damaged], tmp_path, first=7)
    assert found == [FULL | {'index': 7}, damaged | {'index': 8}]
    # The same columns whatever the answers have.
    assert through_file([damaged], tmp_path, first=0)[1] == schema
    assert through_file([], tmp_path, first=0)[1] == schema


def test_names_that_are_no_utf8_are_escaped(tmp_path):
    name = os.fsdecode(b'\xff.jpg')
    answer = {'image': name, 'error': f'{name} is gone'}
    (found,), _ = through_file([answer], tmp_path, first=0)
    assert found['image'] == r'\udcff.jpg'
    assert found['error'] == r'\udcff.jpg is gone'


def test_a_key_without_column_is_not_dropped():
    with pytest.raises(ValueError, match=r'no column for .*new'):
        answer_table([{'image': 'a', 'new': 1}], 0)
