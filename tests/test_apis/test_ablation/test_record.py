"""Records of finished runs, and what they say of machine and code."""

import math
import subprocess
from dataclasses import replace

import pytest

from mmc2f.apis.ablation import record
from mmc2f.apis.ablation.record import Record, code_version, machine

RECORD = Record('abc', 1, ('x',), 'm', 'c', 1.5, {'a/b': 2.0})


def test_comes_back_as_it_was(tmp_path):
    path = tmp_path / 'r.json'
    assert Record.load(path, 'abc') is None
    RECORD.save(path)
    assert Record.load(path, 'abc') == RECORD
    assert Record.load(path, 'other') is None
    assert list(tmp_path.iterdir()) == [path]


def test_metrics_of_no_image(tmp_path):
    path = tmp_path / 'r.json'
    replace(RECORD, metrics={'a/b': math.nan}).save(path)
    assert 'NaN' not in path.read_text()
    assert math.isnan(Record.load(path, 'abc').metrics['a/b'])


@pytest.mark.parametrize('text', ['{', '[]', '{"digest": "abc"}'])
def test_what_is_no_record_is_named(tmp_path, text):
    path = tmp_path / 'r.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=r'r\.json'):
        Record.load(path, 'abc')


def test_machine():
    text = machine(threads=1)
    assert ', 1 thread, torch ' in text
    assert f'{record.available_cores()} core' in text
    assert ', 7 threads,' in machine(7)


def test_code_version_names_the_commit(tmp_path, monkeypatch):
    package = tmp_path / 'mmc2f' / 'apis' / 'ablation' / 'record.py'
    monkeypatch.setattr(record, '__file__', str(package))
    assert 'commit' not in code_version()
    git = ['git', '-C', str(tmp_path), '-c', 'user.name=x', '-c']
    git.append('user.email=x@example.org')
    subprocess.run([*git, 'init', '-q'], check=True)
    (tmp_path / 'file').write_text('1')
    subprocess.run([*git, 'add', 'file'], check=True)
    subprocess.run([*git, 'commit', '-qm', 'x'], check=True)
    clean = code_version()
    assert len(clean.split('commit ')[1]) == 8
    (tmp_path / 'file').write_text('2')
    assert code_version() == f'{clean}-dirty'


def test_minutes_of_all_logs(tmp_path):
    for name, times in (
        ('a', ('10:00:00', '10:30:00')),
        ('b', ('23:59:30',)),
        ('c', ()),
    ):
        (tmp_path / name).mkdir()
        lines = [f'2026/01/01 {t} - mmengine - INFO - x' for t in times]
        (tmp_path / name / 'x.log').write_text('\n'.join(['', *lines, 'y']))
    assert record.logged_minutes(tmp_path) == pytest.approx(30)
