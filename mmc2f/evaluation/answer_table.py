"""What the finest confident level answers, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ['answer_table']


def answer_table(
    metrics: Mapping[str, float],
    views: Sequence[str],
    levels: Sequence[str],
    caption: str = '',
) -> Table:
    """Lay out the metrics of :class:`FinestConfidentLevel`.

    Args:
        metrics: By the names that the metric gives them, without prefix.
        views: Names of the views, ``overall`` too.
        levels: Names of the levels.
        caption: Line below.

    Returns:
        A row a view; columns are the share answered, its accuracy and the
        share of each level. ``-`` where there is no answer to be right.
    """
    from rich.table import Table

    table = Table(caption=caption, caption_justify='left')
    table.add_column('%')
    for heading in ('answered', 'accuracy', *levels):
        table.add_column(heading, justify='right')
    keys = ['answered', 'accuracy', *(f'{name}_share' for name in levels)]
    for view in views:
        values = [metrics[f'{view}_{key}'] for key in keys]
        cells = ['-' if v != v else f'{v:.2f}' for v in values]
        table.add_row(view, *cells)
    return table
