"""Figures of rows, from what the tools have left."""

import json

import pytest
import torch

from mmc2f.apis.ablation import collect, jobs_of, run_all
from mmc2f.functional import paired_bootstrap


@pytest.fixture
def results(tools, tmp_path):
    """Runs a study, and reads it."""

    def results(study):
        tests = [
            test
            for row in study.rows
            for test in jobs_of(study, row, tmp_path / 'root')
        ]
        run_all(tests, tools)
        return collect(study, tmp_path / 'root')

    return results


def test_mean_spread_and_gain(study, results):
    """Ten images; the first ``right + seed`` of them are right."""
    rows = results(
        study(
            dict(name='a', overrides=dict(right=5)),
            dict(name='b', overrides=dict(right=7)),
            dict(name='c', overrides=dict(right=6), reference='a'),
            dict(name='d', measure='accuracy/top1'),
            seeds=(0, 1),
        )
    ).rows
    assert [row.values for row in rows] == [
        (50, 60),
        (70, 80),
        (60, 70),
        (50, 60),
    ]
    assert [row.mean for row in rows] == [55, 75, 65, 55]
    assert [row.reference for row in rows] == [None, 'a', 'a', 'c']
    images = torch.arange(10)
    a, b = (
        torch.stack([images < right + seed for seed in (0, 1)])
        for right in (5, 7)
    )
    assert rows[1].gain == paired_bootstrap(a, b)
    assert rows[1].gain.gain == pytest.approx(20)
    # A metric has no answers of single images.
    assert rows[3].gain is None


def test_groups_are_apart(study, results):
    result = results(
        study(
            dict(name='a', group='x'),
            dict(name='b', group='y'),
            dict(name='c', group='x'),
        )
    )
    names = {g: [r.row.name for r in v] for g, v in result.groups().items()}
    assert names == {'x': ['a', 'c'], 'y': ['b']}


def test_what_is_not_run_yet_has_no_figures(study, tmp_path):
    rows = collect(
        study(dict(name='a'), dict(name='b'), dict(name='c', measure='x/y')),
        tmp_path,
    ).rows
    assert [row.values for row in rows] == [(), (), ()]
    assert [row.gain for row in rows] == [None, None, None]


def test_missing_metric_is_named(study, results):
    with pytest.raises(ValueError, match=r"'a': .* no metric x/y, but \["):
        results(study(dict(name='a', measure='x/y')))


def test_other_images_are_not_compared(study, results, tmp_path):
    rows = study(dict(name='a'), dict(name='b', overrides=dict(right=6)))
    results(rows)
    own = jobs_of(rows, rows.rows[1], tmp_path / 'root')[0].predictions
    lines = own.read_text().splitlines()
    own.write_text('\n'.join(lines[1:]))
    with pytest.raises(ValueError, match="'b' and its reference 'a' were"):
        results(rows)


def test_seeds_must_have_the_same_images(study, results, tmp_path):
    rows = study(dict(name='a', seeds=(0, 1)))
    results(rows)
    own = jobs_of(rows, rows.rows[0], tmp_path / 'root')[1].predictions
    line = json.loads(own.read_text().splitlines()[0])
    own.write_text(json.dumps(line))
    with pytest.raises(ValueError, match='other images than the first seed'):
        results(rows)
