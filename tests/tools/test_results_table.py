"""The Markdown table of several tests."""

import json
import runpy
from pathlib import Path

import pytest
import torch

from mmc2f.evaluation import rerank_accuracy

TOOL = Path(__file__).parents[2] / 'tools' / 'results_table.py'
main = runpy.run_path(str(TOOL))['main']


def write(folder: Path, time: str, **metrics) -> None:
    place = folder / time
    place.mkdir(parents=True)
    (place / f'{time}.json').write_text(json.dumps(metrics))


def test_reads_the_last_test_of_each_work_dir(tmp_path, capsys):
    plain, ccfr = tmp_path / 'plain', tmp_path / 'ccfr'
    write(plain, '20260101_000000', **{'c2f/coarse_top1': 50.0})
    write(plain, '20260102_000000', **{'c2f/coarse_top1': 51.5})
    write(plain, '20260103_000000', **{'accuracy/top1': 1.0})
    write(
        ccfr,
        '20260101_000000',
        **{
            'c2f/coarse_top1': 60.0,
            'c2f/rerank_top1': 61.125,
            'c2f/mended': 9.0,
        },
    )
    main([str(plain), str(ccfr)])
    rows = capsys.readouterr().out.splitlines()
    assert rows[2] == '| plain | 51.50 | - | - | - | - | - |'
    assert rows[3] == '| ccfr | 60.00 | - | - | 61.12 | 9 | - |'


def test_work_dir_without_a_test(tmp_path):
    with pytest.raises(SystemExit, match='no result'):
        main([str(tmp_path)])


def test_the_host_keeps_all_of_the_metric_in_its_file():
    """Its log keeps a count only when it is a float."""
    labels = torch.tensor([0, 1])
    scores = torch.eye(2)
    values = rerank_accuracy(labels, scores, scores, scores)
    assert {type(value) for value in values.values()} == {float}
