"""Markdown of a study, and where it goes."""

import pytest

from mmc2f.apis.ablation import (
    collect,
    jobs_of,
    report,
    run_all,
    write_section,
)

PICTURES = {'T': 'images/s.png', 'tuning': 'images/t.png'}


@pytest.fixture
def text(tools, study, tmp_path, monkeypatch):
    """Of a study in which one seed of the last row is missing."""
    monkeypatch.chdir(tmp_path)
    rows = study(
        dict(name='a', group='x'),
        dict(name='b', group='x', overrides=dict(right=7)),
        dict(name='b again', group='x', overrides=dict(right=7)),
        dict(name='c', group='y', overrides=dict(stop=1)),
        dict(name='d', group='y', overrides=dict(z=1), seeds=(5,)),
        dict(name='e', group='y', overrides=dict(z=2)),
        seeds=(0, 1),
    )
    tests = [
        test
        for row in rows.rows[:-1]
        for test in jobs_of(rows, row, tmp_path / 'root')
    ]
    run_all(tests, tools)
    result = collect(rows, tmp_path / 'root')
    return report(result, 'python tools/ablate.py s.py', PICTURES)


def test_tables(text):
    assert text.startswith('### T\n\nWritten by `python tools/ablate.py s.py')
    head, x, y = text.split('**x**')[0], *text.split('**')[2::2]
    assert 'paired bootstrap' in head
    rows = [line for line in x.splitlines() if line.startswith('| ')]
    cells = [[c.strip() for c in row.split('|')[1:-1]] for row in rows]
    assert cells[0][1:5] == ['measure', 'mean', 'min to max', 'seeds']
    assert cells[2] == [
        *('a', 'coarse', '55.00', '50.00 to 60.00', '2'),
        *('-', '-', '-', '3.0'),
    ]
    name, _, mean, spread, _, gain, interval, over, _ = cells[3]
    assert (name, mean, spread) == ('b', '75.00', '70.00 to 80.00')
    assert (gain, over) == ('+20.00', 'a')
    low, high = map(float, interval.split(' to '))
    assert low <= 20 <= high
    assert cells[4][5:8] == ['+0.00', '+0.00 to +0.00', 'b']
    assert '10 test images.' in x
    rows = [line for line in y.splitlines() if line.startswith('| ')]
    assert '| c | coarse | 50.00 | - | 1 of 2 |' in rows[2]
    assert '| d | coarse | 100.00 | - | 1 |' in rows[3]
    assert '| e | coarse | - | - | 0 of 2 |' in rows[4]


def test_commands_once_and_exact(text):
    block = text.split('```bash\n')[1].split('```')[0]
    lines = block.splitlines()
    # Equal but for the seed.
    assert lines[0] == '# x: a'
    assert lines[1] == 'for seed in 0 1; do'
    assert lines[2].startswith('    python tools/train.py plain.py --work-dir')
    assert lines[2].endswith('--cfg-options randomness.seed=$seed')
    assert '/seed_$seed ' in lines[2]
    assert '"$(cat root/' in lines[3]
    assert lines[4] == 'done'
    assert '# x: b; x: b again' in lines
    assert block.count('train.py') == 4
    # A single one as it was run.
    single = next(line for line in lines if 'z=1' in line)
    assert single.startswith('python')
    assert 'randomness.seed=5 ' in single


def test_machine_code_and_plot(text):
    assert '![T](images/s.png)\n\n![tuning](images/t.png)' in text
    machine = text.split('Machine: ')[1].splitlines()[0]
    assert 'torch' in machine
    assert 'Code: mmc2f' in machine


def test_nothing_run(study, tmp_path):
    result = collect(study(dict(name='a')), tmp_path)
    assert 'Nothing has been run yet.' in report(result, 'x', {})


def test_section_is_replaced_and_the_rest_stays(tmp_path):
    path = tmp_path / 'new' / 'results.md'
    write_section(path, 'one', 'first\n')
    assert path.read_text() == (
        '<!-- ablate one -->\nfirst\n<!-- /ablate one -->\n'
    )
    path.write_text('# Results\n\n' + path.read_text() + '\nMy prose.\n')
    write_section(path, 'two', 'second')
    write_section(path, 'one', 'third')
    assert path.read_text() == (
        '# Results\n\n<!-- ablate one -->\nthird\n<!-- /ablate one -->\n\n'
        'My prose.\n\n<!-- ablate two -->\nsecond\n<!-- /ablate two -->\n'
    )


@pytest.mark.parametrize(
    'content',
    [
        '<!-- ablate one -->',
        '<!-- /ablate one -->',
        '<!-- /ablate one --><!-- ablate one -->',
        '<!-- ablate one --><!-- /ablate one -->' * 2,
    ],
)
def test_broken_markers_are_refused(tmp_path, content):
    path = tmp_path / 'results.md'
    path.write_text(content)
    with pytest.raises(ValueError, match='once, or neither'):
        write_section(path, 'one', 'text')
    assert path.read_text() == content
