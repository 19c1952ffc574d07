"""The programs that measure: that they list, measure and write a page."""

import importlib
import json
import re
import subprocess
import sys

import pytest
from tool_helpers import ROOT

from benchmarks.__main__ import CPU_SET, programs
from benchmarks.figures import Figure, exponent, interleaved, ratios
from benchmarks.page import write_page


def test_list_needs_no_torch():
    done = subprocess.run(
        [sys.executable, '-X', 'importtime', '-m', 'benchmarks'],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names == list(programs())
    assert set(CPU_SET) <= set(names)
    assert not re.search(r'\|\s+torch$', done.stderr, re.MULTILINE)


@pytest.mark.parametrize('name', CPU_SET)
def test_each_of_the_set_can_be_run(name):
    module = importlib.import_module(f'benchmarks.{name}')
    assert callable(module.main)
    assert module.__doc__.splitlines()[0].endswith('.')


def test_functions_take_turns():
    calls = []
    seconds = interleaved(
        {name: lambda name=name: calls.append(name) for name in 'ab'},
        rounds=2,
    )
    assert calls == ['a', 'b'] * 3
    assert all(len(found) == 2 for found in seconds.values())
    assert ratios({'a': [2.0, 9.0], 'b': [1.0, 3.0]}, 'a', 'b') == [2.0, 3.0]


@pytest.mark.parametrize(
    ('limit', 'at_least', 'holds'),
    [(2.5, False, True), (1.5, False, False), (1.5, True, True), (3, True, 0)],
)
def test_median_is_judged(limit, at_least, holds):
    figure = Figure(1, 'this', 'that', [9.0, 2.0, 1.0], limit, at_least)
    assert figure.median == 2 and figure.holds == holds
    assert ('holds' in figure.line()) == bool(holds)
    assert '(1.000 to 9.000)' in figure.line()
    assert Figure(1, 'this', 'that', [1.0]).holds is None


@pytest.mark.parametrize('power', [0.0, 1.0, 2.5])
def test_exponent_of_a_power(power):
    sizes = [3, 10, 25]
    assert exponent(sizes, [7 * n**power for n in sizes]) == pytest.approx(
        power, abs=1e-9
    )


def test_growth_is_swept_and_drawn(tmp_path, monkeypatch, capsys):
    growth = importlib.import_module('benchmarks.growth')
    monkeypatch.setattr(growth, 'SIDE', 64)
    page = tmp_path / 'growth.md'
    sizes = dict(images=(1, 2), classes=(10, 20), rows=(50, 100))
    words = [
        word
        for name, values in dict(sizes, sides=(64, 96)).items()
        for word in (f'--{name}', *map(str, values))
    ]
    sweeps = growth.main([*words, '--rounds', '1', '--page', str(page)])
    swept = {sweep.unit: tuple(sweep.sizes) for sweep in sweeps}
    assert swept == {
        'images': (1, 2),
        'pixels of its side': (64, 96),
        'classes': (10, 20),
        'gallery rows': (50, 100),
    }
    text, said = page.read_text(), capsys.readouterr().out
    for sweep in sweeps:
        assert min(sweep.seconds) > 0
        assert f'| {sweep.exponent:.2f} |' in text
        assert f'exponent {sweep.exponent:.2f}' in said
    picture = tmp_path / 'images' / 'growth.png'
    assert picture.read_bytes().startswith(b'\x89PNG')


def test_program_measures_and_the_page_tells_it(tmp_path, capsys):
    program = importlib.import_module('benchmarks.region_choice')
    file = tmp_path / 'figures.json'
    figures = program.main(['--rounds', '1', '--json', str(file)])
    assert [figure.note for figure in figures] == ['same boxes'] * 3
    result = json.loads(file.read_text())
    page = tmp_path / 'docs' / 'performance.md'
    rows = [dict(result, program='region_choice', words=['--rounds', '1'])]
    write_page(page, rows)
    text = page.read_text()
    for figure in figures:
        assert f'| {figure.median:.3g} |' in text
    assert '`region_choice --rounds 1`' in text
    assert 'Row 11' in text and 'no GPU here' in text
    left = 'Left out of this run: row 1, 2, 4, 5, 6, 7, 8, 9, 10, 12, 13.'
    assert left in text
    picture = tmp_path / 'docs' / 'images' / 'performance.png'
    assert picture.read_bytes().startswith(b'\x89PNG')
    write_page(page, [])
    assert 'Nothing was measured' in page.read_text()
