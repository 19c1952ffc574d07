"""Metrics as tables for the terminal and the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ['answer_table', 'level_table', 'rerank_table', 'table_text']

_ROWS = {
    'coarse': 'coarse',
    'retrieval': 'retrieval',
    'rerank': 're-ranked',
}
_TOP = {'top1': 'top-1', 'top5': 'top-5'}
_MISSING = '-'


def rerank_table(
    metrics: Mapping[str, float],
    seconds: Mapping[str, float] | None = None,
    description: str = '',
) -> Table:
    """Lay out the metrics of :class:`ReRankMetric`.

    Args:
        metrics: By the names of :func:`rerank_accuracy`, with or without a
            metric's prefix (``prefix/coarse_top1``). Others are ignored.
        seconds: Time that each of ``'coarse'``, ``'retrieval'`` and
            ``'rerank'`` took; adds a column. That of ``'gallery'``, made or
            loaded, stands below the table.
        description: How it was re-ranked; stands below the table.

    Returns:
        One row each for coarse, retrieval and re-ranked; columns top-1,
        top-5 and the top-1 of each level; ``-`` where there is no value. The
        line below counts what re-ranking mended and broke.
    """
    from rich.table import Table

    metrics = {name.rsplit('/', 1)[-1]: v for name, v in metrics.items()}
    columns = {**_TOP, **{f'{n}_top1': n for n in _level_names(metrics)}}
    caption = _caption(metrics, seconds or {})
    if description:
        caption += f'\n{description}'
    table = Table(caption=caption, caption_justify='left')
    table.add_column('accuracy, %')
    for heading in columns.values():
        table.add_column(heading, justify='right')
    if seconds is not None:
        table.add_column('seconds', justify='right')
    for name, title in _ROWS.items():
        cells = [_format(metrics.get(f'{name}_{key}'), 2) for key in columns]
        if seconds is not None:
            cells.append(_format(seconds.get(name), 1))
        table.add_row(title, *cells)
    return table


def level_table(
    metrics: Mapping[str, float],
    views: Mapping[str, int],
    levels: Sequence[str],
) -> Table:
    """Lay out the metrics of :class:`MultiResolutionMetric`.

    Args:
        metrics: The metrics by name, without prefix.
        views: Names of the views, and the level that each is meant for,
            whose cell is marked with ``*``.
        levels: Names of the levels.

    Returns:
        One row per view; columns are the accuracy of each level, consistency,
        distance, and the accuracy that the finest answers imply at the coarser
        levels.
    """
    from rich.table import Table

    table = Table(
        caption='* the level that this resolution is meant for',
        caption_justify='left',
    )
    table.add_column('accuracy, %')
    implied = [f'{name} implied' for name in levels[1:]]
    for heading in (*levels, 'consistency, %', 'distance', *implied):
        table.add_column(heading, justify='right')
    for view, own in views.items():
        cells = [
            ('*' if level == own else '')
            + f'{metrics[f"{view}_{name}_top1"]:.2f}'
            for level, name in enumerate(levels)
        ]
        table.add_row(
            view,
            *cells,
            f'{metrics[f"{view}_consistency"]:.2f}',
            f'{metrics[f"{view}_distance"]:.2f}',
            *(
                f'{metrics[f"{view}_{name}_implied_top1"]:.2f}'
                for name in levels[1:]
            ),
        )
    return table


def answer_table(
    metrics: Mapping[str, float],
    views: Sequence[str],
    levels: Sequence[str],
    caption: str = '',
) -> Table:
    """Lay out the metrics of :class:`FinestConfidentLevel`.

    Args:
        metrics: The metrics by name, without prefix.
        views: Names of the views, ``overall`` too.
        levels: Names of the levels.
        caption: Line below.

    Returns:
        One row per view; columns are coverage, selective accuracy and the
        share of each level, in percent. ``-`` where there is no answer.
    """
    from rich.table import Table

    table = Table(caption=caption, caption_justify='left')
    table.add_column('%')
    for heading in ('coverage', 'selective accuracy', *levels):
        table.add_column(heading, justify='right')
    shares = (f'{name}_share' for name in levels)
    keys = ['coverage', 'selective_accuracy', *shares]
    for view in views:
        values = [metrics[f'{view}_{key}'] for key in keys]
        cells = ['-' if v != v else f'{v:.2f}' for v in values]
        table.add_row(view, *cells)
    return table


def table_text(table: Table, width: int = 120) -> str:
    """Render a table as plain text, for a log.

    Args:
        table: Any table.
        width: Maximum number of columns of text.
    """
    from rich.console import Console

    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    return '\n'.join(
        line.rstrip() for line in capture.get().rstrip().splitlines()
    )


def _level_names(metrics: Mapping[str, float]) -> list[str]:
    """Levels for which a metric is given, in the order of the metrics."""
    names: dict[str, None] = {}
    for metric in metrics:
        row, _, rest = metric.partition('_')
        level, _, top = rest.rpartition('_')
        if row in _ROWS and level and top == 'top1':
            names[level] = None
    return list(names)


def _caption(
    metrics: Mapping[str, float], seconds: Mapping[str, float]
) -> str:
    mended = _format(metrics.get('mended'), 0)
    broken = _format(metrics.get('broken'), 0)
    caption = f'mended {mended}, broken {broken}'
    if 'gallery' in seconds:
        caption += f', gallery {_format(seconds["gallery"], 1)} s'
    return caption


def _format(value: float | None, digits: int) -> str:
    return _MISSING if value is None else f'{value:.{digits}f}'
