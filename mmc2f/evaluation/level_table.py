"""Accuracy of every level in every resolution, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ['level_table', 'table_text']


def level_table(
    metrics: Mapping[str, float],
    views: Mapping[str, int],
    levels: Sequence[str],
) -> Table:
    """Lay out the metrics of :class:`MultiResolutionMetric`.

    Args:
        metrics: By the names that the metric gives them, without prefix.
        views: Names of the views and the level that each is meant for; that
            cell is marked with ``*``.
        levels: Names of the levels.

    Returns:
        A row a view; columns are the levels' accuracies, consistency,
        distance, and what the finest answers imply for the coarser levels.
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


def table_text(table: Table, width: int = 120) -> str:
    """A table as plain text, such as a log holds.

    Args:
        table: Any table.
        width: Most columns of text.
    """
    from rich.console import Console

    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    return '\n'.join(
        line.rstrip() for line in capture.get().rstrip().splitlines()
    )
