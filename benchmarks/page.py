"""Writes the page of performance, with its picture, from what was measured."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch

from benchmarks.figures import Figure

__all__ = ['machine_line', 'write_page']

#: Rows of the table that need a GPU.
ELSEWHERE = {
    11: 'training on one GPU, bf16, against the step rate of its backbone',
}
#: Rows there are.
ROWS = range(1, 14)
HEAD = """# Performance

<!-- Written by `make bench`; do not edit. -->

Each figure is a ratio of two things that the same program measured in turn, in
the same run: the median of the rounds, and their range. `python -m benchmarks`
lists the programs, `python -m benchmarks NAME` runs one.
"""


def write_page(path: Path, results: Sequence[Mapping[str, Any]]) -> None:
    """Write the page, and a picture ``images/performance.png`` beside it.

    Args:
        path: The page.
        results: One a program: ``program``, ``words``, ``figures``, and what
            :func:`benchmarks.figures.report` notes of the machine.
    """
    rows = [
        (Figure(**figure), result)
        for result in results
        for figure in result['figures']
    ]
    rows.sort(key=lambda row: row[0].row)
    picture = path.parent / 'images' / 'performance.png'
    text = '\n'.join(
        [HEAD, machine_line(results), '', *_table(rows), '', *_others(rows)]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    if rows:
        _draw([figure for figure, _ in rows], picture)
        text += '\n![Each figure against its limit](images/performance.png)\n'
    path.write_text(text)
    print(f'{path} written')


def machine_line(results: Sequence[Mapping[str, Any]]) -> str:
    """Where it was measured; a warning where other work ran beside it."""
    if not results:
        return 'Nothing was measured.'
    first = results[0]
    load = max(result['load'] for result in results)
    busy = ''
    if load > 1.5 * first['cores']:
        busy = ' **The machine did other work at the same time.**'
    return (
        f'{first["processor"]}, {first["cores"]} cores, torch '
        f'{torch.__version__}, {date.today().isoformat()}; load average up to '
        f'{load:.1f}.{busy}'
    )


def _table(rows: Sequence[tuple[Figure, Mapping[str, Any]]]) -> list[str]:
    lines = [
        '| # | work | against | asked | measured | range | |',
        '| ---: | --- | --- | --- | ---: | --- | --- |',
    ]
    for figure, result in rows:
        side = 'at least' if figure.at_least else 'at most'
        asked = '' if figure.limit is None else f'{side} {figure.limit:g}'
        verdict = {True: 'holds', False: '**missed**', None: ''}[figure.holds]
        low, high = min(figure.rounds), max(figure.rounds)
        command = ' '.join([result['program'], *result['words']])
        work = figure.work + (f' ({figure.note})' if figure.note else '')
        lines.append(
            f'| {figure.row} | {work}, `{command}` | {figure.against} | '
            f'{asked} | {figure.median:.3g} | {low:.3g} to {high:.3g} | '
            f'{verdict} |'
        )
    return lines


def _others(rows: Sequence[tuple[Figure, Mapping[str, Any]]]) -> list[str]:
    missing = set(ROWS) - {figure.row for figure, _ in rows}
    lines = [
        f'Row {row}, {work}: not measured, no GPU here.'
        for row, work in ELSEWHERE.items()
        if row in missing
    ]
    left = sorted(missing - set(ELSEWHERE))
    if left:
        names = ', '.join(map(str, left))
        lines += ['', f'Left out of this run: row {names}.']
    return lines


def _draw(figures: Sequence[Figure], path: Path) -> None:
    """Each figure as a part of its limit, on a log axis; 1 is the limit."""
    from mmc2f.visualization.save_picture import save_picture

    drawn = [figure for figure in figures if figure.limit]
    from matplotlib.figure import Figure as Picture

    picture = Picture(figsize=(7, 0.4 * len(drawn) + 1), layout='constrained')
    axes = picture.subplots()
    for place, figure in enumerate(drawn):
        assert figure.limit is not None
        # To the left of 1 is better.
        parts = [
            figure.limit / max(x, 1e-9)
            if figure.at_least
            else max(x, 1e-9) / figure.limit
            for x in (figure.median, *figure.rounds)
        ]
        colour = '#0072b2' if figure.holds else '#d55e00'
        axes.plot(parts[1:], [place] * (len(parts) - 1), '-', color=colour)
        axes.plot(parts[:1], [place], 'o', color=colour)
    axes.axvline(1, color='black', linewidth=0.8)
    axes.set_yticks(range(len(drawn)))
    axes.set_yticklabels([f'{f.row}: {f.work}'[:60] for f in drawn])
    axes.invert_yaxis()
    axes.set_xscale('log')
    # Below the whole picture: the axes are narrow beside the names.
    picture.supxlabel('measured, in parts of what is asked (1 or less holds)')
    save_picture(picture, path)
