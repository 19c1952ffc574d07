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
    write(plain, '20260101_000000', **{'rerank/coarse_top1': 50.0})
    # As an older version called it.
    write(plain, '20260102_000000', **{'c2f/coarse_top1': 51.5})
    write(plain, '20260103_000000', **{'accuracy/top1': 1.0})
    write(
        ccfr,
        '20260101_000000',
        **{
            'rerank/coarse_top1': 60.0,
            'rerank/rerank_top1': 61.125,
            'rerank/mended': 9.0,
        },
    )
    main([str(plain), str(ccfr)])
    rows = capsys.readouterr().out.splitlines()
    assert rows[2] == '| plain | 51.50 | - | - | - | - | - |'
    assert rows[3] == '| ccfr | 60.00 | - | - | 61.12 | 9 | - |'


def test_boxes_stand_in_the_row_of_their_model(tmp_path, capsys):
    write(tmp_path / 'plain', '20260101_000000', **{'rerank/coarse_top1': 5.0})
    boxes = {'part': 90.0, 'part_random': 60.125, 'part_shuffled': 80.0}
    write(
        tmp_path / 'ccfr',
        '20260101_000000',
        **{'rerank/coarse_top1': 6.0},
        **{f'boxes/{name}': value for name, value in boxes.items()},
    )
    main([str(tmp_path / 'plain'), str(tmp_path / 'ccfr')])
    heading, _, *rows = capsys.readouterr().out.splitlines()
    assert heading.endswith(
        '| boxes on a part | random boxes | same boxes, other images |'
    )
    assert rows[0] == '| plain | 5.00 | - | - | - | - | - | - | - | - |'
    assert rows[1].endswith('| 90.00 | 60.12 | 80.00 |')
    main([str(tmp_path / 'plain')])
    assert 'boxes' not in capsys.readouterr().out


def of_levels(prefix='levels', **metrics):
    """What a test of views leaves."""
    return {
        'rerank/coarse_top1': 1.0,
        **{f'{prefix}/{name}': value for name, value in metrics.items()},
    }


@pytest.mark.parametrize('prefix', ['levels', 'c2fgc'])
def test_levels_of_each_view(tmp_path, capsys, prefix):
    write(
        tmp_path / 'mlph',
        '20260101_000000',
        **of_levels(
            prefix,
            high_fine_top1=80.0,
            high_coarse_top1=85.125,
            high_consistency=90.0,
            very_low_fine_top1=40.0,
            very_low_coarse_top1=75.0,
            very_low_consistency=70.0,
        ),
    )
    main(['--levels', str(tmp_path / 'mlph')])
    assert capsys.readouterr().out.splitlines() == [
        '|  | resolution | fine | coarse | consistency |',
        '| --- | --- | ---: | ---: | ---: |',
        '| mlph | high | 80.00 | 85.12 | 90.00 |',
        '| mlph | very_low | 40.00 | 75.00 | 70.00 |',
    ]


def test_levels_that_are_not_there_or_differ(tmp_path):
    plain, one, other = (str(tmp_path / n) for n in ('plain', 'one', 'other'))
    write(Path(plain), '20260101_000000', **of_levels())
    write(
        Path(one),
        '20260101_000000',
        **of_levels(high_fine_top1=1.0, high_consistency=1.0),
    )
    write(
        Path(other),
        '20260101_000000',
        **of_levels(high_face_top1=1.0, high_consistency=1.0),
    )
    with pytest.raises(SystemExit, match='plain: its test has no levels/'):
        main(['--levels', one, plain])
    with pytest.raises(SystemExit, match=r'other has face, .* first has f'):
        main(['--levels', one, other])


def test_work_dir_without_a_test(tmp_path):
    with pytest.raises(SystemExit, match='no result'):
        main([str(tmp_path)])


def test_the_host_keeps_all_of_the_metric_in_its_file():
    """Its log keeps a count only when it is a float."""
    labels = torch.tensor([0, 1])
    scores = torch.eye(2)
    values = rerank_accuracy(labels, scores, scores, scores)
    assert {type(value) for value in values.values()} == {float}
