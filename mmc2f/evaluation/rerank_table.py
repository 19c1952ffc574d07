"""The result of a test run as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ['rerank_table']

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
) -> Table:
    """Lay out the metrics of :class:`ReRankMetric`.

    Args:
        metrics: By the names of :func:`rerank_accuracy`, with or without a
            metric's prefix (``prefix/coarse_top1``). Others are ignored.
        seconds: Time that each of ``'coarse'``, ``'retrieval'`` and
            ``'rerank'`` took; adds a column. That of ``'gallery'``, made or
            loaded, stands below the table.

    Returns:
        One row each for coarse, retrieval and re-ranked; columns top-1,
        top-5 and the top-1 of each level; ``-`` where there is no value. The
        line below counts what re-ranking mended and broke.
    """
    from rich.table import Table

    metrics = {name.rsplit('/', 1)[-1]: v for name, v in metrics.items()}
    columns = {**_TOP, **{f'{n}_top1': n for n in _level_names(metrics)}}
    table = Table(
        caption=_caption(metrics, seconds or {}), caption_justify='left'
    )
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


def _level_names(metrics: Mapping[str, float]) -> list[str]:
    """Levels for which a metric is given, in the order of the metrics."""
    names = {}
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
