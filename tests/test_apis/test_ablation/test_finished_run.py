"""Runs that were started by hand, as the host leaves them."""

import json

import pytest

from mmc2f.apis.ablation import collect
from mmc2f.apis.ablation.finished_run import logged_metrics, read_finished

LOG = """2026/01/01 10:00:00 - mmengine - INFO -
System environment:
    PyTorch: 2.9.9+cpu
    PyTorch compiling details: PyTorch built with:
    GPU 0,1: Fast 100

2026/01/01 10:02:00 - mmengine - INFO - Epoch({mode}) [1]
"""


@pytest.fixture
def work_dir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / 'w'
    add(folder, '20260101_1', 'train', 'randomness = dict(seed=7)')
    file = str(folder / 'predictions.jsonl')
    writer = dict(type='mmc2f.PredictionWriter', path=file)
    for time, path in (('2', file), ('3', 'other.jsonl')):
        evaluator = [dict(type='Accuracy'), dict(writer, path=path)]
        text = f"load_from = '{folder}/epoch_9.pth'\n"
        text += f'test_evaluator = {evaluator!r}'
        add(folder, f'20260101_{time}', 'test', text)
    coarse = [{'class': 'a', 'probability': 1.0}]
    answer = dict(image='1', truth='a', coarse=coarse)
    (folder / 'predictions.jsonl').write_text(json.dumps(answer))
    return folder


def add(folder, time, mode, config):
    place = folder / time
    (place / 'vis_data').mkdir(parents=True)
    (place / 'vis_data' / 'config.py').write_text(config)
    (place / f'{time}.log').write_text(LOG.format(mode=mode))
    if mode == 'test':
        metrics = json.dumps({'accuracy/top1': float(time[-1])})
        (place / f'{time}.json').write_text(metrics)


def test_record_names_the_configs_that_were_run(work_dir):
    record = read_finished(work_dir, 'predictions.jsonl')
    assert record.commands == (
        'python tools/train.py w/20260101_1/vis_data/config.py',
        'python tools/test.py w/20260101_2/vis_data/config.py w/epoch_9.pth',
    )
    assert record.seed == 7
    assert record.machine == 'processor not noted, torch 2.9.9+cpu, Fast 100'
    assert record.minutes == pytest.approx(6)
    # Of the test that wrote these predictions, not of the last.
    assert record.metrics == {'accuracy/top1': 2.0}
    assert logged_metrics(work_dir) == {'accuracy/top1': 3.0}


def test_a_row_reads_it(work_dir, study):
    rows = study(dict(name='a', work_dir=str(work_dir), config=None)).rows
    assert rows[0].work_dir == (work_dir,)
    result = collect(study(dict(name='a', work_dir='w', config=None)), '')
    assert result.rows[0].values == (100.0,)


def test_refuses_what_is_not_finished(work_dir, tmp_path):
    with pytest.raises(ValueError, match='no predictions; test with'):
        read_finished(work_dir, 'none.jsonl')
    (work_dir / 'copied.jsonl').write_text('')
    with pytest.raises(ValueError, match='no test in there wrote'):
        read_finished(work_dir, 'copied.jsonl')
    for path in work_dir.glob('20260101_1/*.log'):
        path.unlink()
    with pytest.raises(ValueError, match='no training in there'):
        read_finished(work_dir, 'predictions.jsonl')
    with pytest.raises(ValueError, match='no metrics'):
        logged_metrics(tmp_path)
