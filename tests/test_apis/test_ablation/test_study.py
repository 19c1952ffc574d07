"""What a study file may say."""

import pytest

from mmc2f.apis.ablation import load_study


@pytest.fixture
def write(tmp_path):
    """Writes a study beside a config, and reads it."""
    (tmp_path / 'plain.py').write_text('x = 1')

    def write(text, title="title = 'T'\n"):
        path = tmp_path / 'own_study.py'
        path.write_text(title + text)
        return load_study(path)

    return write


def test_top_of_the_file_holds_for_all_rows(write):
    study = write(
        'seeds = (1, 2)\n'
        "config = 'plain.py'\n"
        "rows = [dict(name=n, group=g) for g in 'xy' for n in 'ab']\n"
        "rows += [dict(name='c', seeds=5, measure='accuracy/top1')]\n"
    )
    assert study.name == 'own_study'
    assert study.title == 'T'
    assert [row.seeds for row in study.rows] == [(1, 2)] * 4 + [(5,)]
    assert {row.config.name for row in study.rows} == {'plain.py'}
    assert {row.train_options for row in study.rows} == {('--no-validate',)}
    assert list(study.groups()) == ['x', 'y', '']
    assert [row.is_metric for row in study.rows] == [False] * 4 + [True]


def test_reference_is_the_row_above_in_the_group(write):
    study = write(
        "config = 'plain.py'\n"
        "rows = [dict(name='a', group='x'), dict(name='b', group='x'),\n"
        "  dict(name='a', group='y'), dict(name='c', group='x'),\n"
        "  dict(name='d', group='x', reference='a'),\n"
        "  dict(name='e', group='x', reference=None)]"
    )
    found = [study.reference_of(row) for row in study.rows]
    keys = [row and row.key for row in found]
    first = ('x', 'a')
    assert keys == [None, first, None, ('x', 'b'), first, None]


def test_finished_runs(write):
    study = write(
        "rows = [dict(name='a', work_dir='w'), "
        "dict(name='b', work_dir=['v', 'w'])]"
    )
    assert [list(map(str, r.work_dir)) for r in study.rows] == [
        ['w'],
        ['v', 'w'],
    ]


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        ("[dict(name='a', config='plain.py', seed=1)]", 'unknown: seed'),
        ("[dict(config='plain.py')]", 'row 0: no name'),
        ("[dict(name='a')]", "'a': give it a config, or a work_dir"),
        ("[dict(name='a', config='x.py')]", 'no config .*x.py'),
        ("[dict(name='a', config='plain.py', work_dir='w')]", 'give it a'),
        ("[dict(name='a', config='plain.py', measure='x')]", 'measure is'),
        ("[dict(name='a', config='plain.py', seeds=())]", 'no seeds'),
        ("[dict(name='a', config='plain.py')] * 2", 'is there twice'),
        (
            "[dict(name='a', config='plain.py', reference='b')]",
            "no reference 'b'",
        ),
        ('[]', 'a study needs rows'),
    ],
)
def test_refuses(write, rows, message):
    with pytest.raises(ValueError, match=message):
        write(f'rows = {rows}')


def test_needs_a_title(write):
    with pytest.raises(ValueError, match='needs title'):
        write("rows = [dict(name='a', config='plain.py')]", title='')


def test_a_file_that_is_no_program_is_named(write):
    with pytest.raises(ValueError, match=r'\.py cannot be read: SyntaxError'):
        write('rows = [')
