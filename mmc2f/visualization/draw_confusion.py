"""Which classes are taken for which, inside and across super classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mmc2f.evaluation.functional.confusion import error_shares
from mmc2f.visualization.style import PALETTE, RIGHT, WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ['draw_confusion']

INSIDE = PALETTE[1]
INK = '#222222'
#: Colours from white to dark blue keep their order in print.
COLOURS = 'Blues'
#: More classes have no room for their names, more super classes none for
#: numbers in their cells.
MOST_NAMES, MOST_NUMBERS = 60, 14
MOST_PAIRS = 8
LONGEST_NAME = 22


def draw_confusion(
    counts: Tensor,
    class_names: Sequence[str],
    groups: Sequence[int] | Tensor | None = None,
    group_names: Sequence[str] = (),
    title: str = '',
) -> Figure:
    """Draw a confusion matrix whose classes are ordered by super class.

    Left the classes, each row the share of the images of one true class,
    with a frame around each super class: what lies in a frame is an error
    inside, what lies beside it one across. Right, from the top: the shares
    of both, the same matrix of the super classes, and the pairs of classes
    that are confused most often.

    Args:
        counts: ``(C, C)``, a row for each true class.
        class_names: C names.
        groups: ``(C,)`` super class of each class; ``None`` where none are
            known, and then there is no word of them.
        group_names: Of the super classes.
        title: Above all.

    Returns:
        A figure with its own Agg canvas, ready for ``savefig``; no global
        state of matplotlib is touched.

    Raises:
        ValueError: Names, groups and counts do not fit each other, or there
            is no image.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    known = groups is not None
    of_class = torch.as_tensor([0] * len(counts) if groups is None else groups)
    _check(counts, class_names, of_class, group_names if known else None)
    figure = Figure(figsize=(14, 9), dpi=120, layout='constrained')
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=12)
    # Each has a layout of its own, so that long names leave both room.
    halves: Any = figure.subfigures(1, 2, width_ratios=[1.6, 1])
    left, right = halves
    _draw_classes(left.add_subplot(), counts, class_names, of_class)
    parts = right.add_gridspec(3, 1, height_ratios=[0.6, 2, 2.2])
    _draw_shares(right.add_subplot(parts[0]), counts, of_class, known)
    if known:
        _draw_groups(
            right.add_subplot(parts[1]), counts, of_class, group_names
        )
    _draw_pairs(
        right.add_subplot(parts[2] if known else parts[1:]),
        *(counts, class_names, of_class, known),
    )
    return figure


def _draw_classes(
    axes: Axes, counts: Tensor, names: Sequence[str], groups: Tensor
) -> None:
    from matplotlib.patches import Rectangle

    order = groups.argsort(stable=True)
    share = _row_shares(counts)[order][:, order]
    picture = axes.imshow(share, cmap=COLOURS, vmin=0, vmax=100)
    sizes = groups.bincount()
    start = 0
    for size in sizes[sizes > 0].tolist() if len(sizes) > 1 else []:
        corner = (start - 0.5, start - 0.5)
        axes.add_patch(
            Rectangle(corner, size, size, fill=False, edgecolor=WRONG)
        )
        start += size
    if len(names) <= MOST_NAMES:
        shown = [_short(names[i]) for i in order.tolist()]
        small = 9 if len(names) <= MOST_NAMES // 2 else 6
        axes.set_xticks(range(len(names)), shown, rotation=90, fontsize=small)
        axes.set_yticks(range(len(names)), shown, fontsize=small)
    else:
        axes.set(xticks=[], yticks=[])
    axes.set_title(
        f'{len(names)} classes: a row for each true one, a column for each '
        'answer',
        fontsize=11,
    )
    bar = axes.figure.colorbar(
        picture, ax=axes, location='bottom', shrink=0.4, aspect=40, pad=0.02
    )
    bar.set_label('images of the row, %', fontsize=9)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8)


def _draw_shares(
    axes: Axes, counts: Tensor, groups: Tensor, known: bool
) -> None:
    shares = error_shares(counts, groups)
    parts = [
        ('right', shares.right, RIGHT, ''),
        ('wrong, inside' if known else 'wrong', shares.inside, INSIDE, '//'),
    ]
    if known:
        parts.append(('wrong, across', shares.across, WRONG, 'xx'))
    for place, (_, share, colour, hatch) in enumerate(parts):
        bar = axes.barh(
            *(place, 100 * share),
            color=colour,
            hatch=hatch,
            edgecolor='white',
            linewidth=0,
        )
        axes.bar_label(bar, fmt='%.1f', padding=3, fontsize=9)
    axes.set(xlim=(0, 112), xticks=[], ylim=(len(parts) - 0.5, -0.5))
    axes.set_yticks(range(len(parts)), [name for name, *_ in parts])
    axes.tick_params(axis='y', length=0, labelsize=9)
    axes.set_title(f'{int(counts.sum())} images, %', fontsize=11)
    axes.spines[:].set_visible(False)


def _draw_groups(
    axes: Axes, counts: Tensor, groups: Tensor, names: Sequence[str]
) -> None:
    share = _row_shares(_group_counts(counts, groups, len(names)))
    axes.imshow(share, cmap=COLOURS, vmin=0, vmax=100)
    axes.set_title(f'{len(names)} super classes', fontsize=11)
    if len(names) <= MOST_NUMBERS:
        for row, column in torch.cartesian_prod(
            torch.arange(len(names)), torch.arange(len(names))
        ).tolist():
            value = float(share[row, column])
            if round(value):
                axes.text(
                    *(column, row, f'{value:.0f}'),
                    ha='center',
                    va='center',
                    fontsize=8,
                    color='white' if value > 50 else INK,
                )
    if len(names) <= MOST_NAMES // 2:
        shown = [_short(name) for name in names]
        axes.set_xticks(range(len(names)), shown, rotation=90, fontsize=8)
        axes.set_yticks(range(len(names)), shown, fontsize=8)
    else:
        axes.set(xticks=[], yticks=[])


def _draw_pairs(
    axes: Axes,
    counts: Tensor,
    names: Sequence[str],
    groups: Tensor,
    known: bool,
) -> None:
    """The most frequent confusions, each with its direction."""
    wrong = counts.clone().fill_diagonal_(0).flatten()
    order = wrong.argsort(descending=True, stable=True)[:MOST_PAIRS]
    found = order[wrong[order] > 0].tolist()
    pairs = [divmod(place, len(counts)) for place in found]
    axes.set_title('most frequent errors, images', fontsize=11)
    axes.spines[:].set_visible(False)
    for place, (truth, answer) in enumerate(pairs):
        across = known and bool(groups[truth] != groups[answer])
        bar = axes.barh(
            *(place, int(counts[truth, answer])),
            height=0.45,
            color=WRONG if across else INSIDE,
            hatch='xx' if across else '//',
            edgecolor='white',
            linewidth=0,
        )
        axes.bar_label(bar, padding=3, fontsize=8)
        # Over its bar: beside it, two names would leave it no room.
        axes.annotate(
            f'{_short(names[truth])} as {_short(names[answer])}',
            (0, place - 0.25),
            (2, 0),
            textcoords='offset points',
            fontsize=8,
            va='bottom',
        )
    axes.set(xticks=[], yticks=[], ylim=(MOST_PAIRS - 0.6, -0.9))
    axes.margins(x=0.12)


def _group_counts(counts: Tensor, groups: Tensor, num: int) -> Tensor:
    summed = counts.new_zeros(num, len(counts)).index_add_(0, groups, counts)
    return counts.new_zeros(num, num).index_add_(1, groups, summed)


def _row_shares(counts: Tensor) -> Tensor:
    """In percent; a class without an image has zeros."""
    return 100 * counts / counts.sum(dim=1, keepdim=True).clamp(min=1)


def _short(name: str) -> str:
    if len(name) <= LONGEST_NAME:
        return name
    half = (LONGEST_NAME - 1) // 2
    return f'{name[:half]}…{name[-half:]}'


def _check(
    counts: Tensor,
    names: Sequence[str],
    groups: Tensor,
    group_names: Sequence[str] | None,
) -> None:
    if counts.shape != (len(names), len(names)) or len(groups) != len(names):
        raise ValueError(
            f'{len(names)} class names and {len(groups)} super classes of '
            f'classes do not fit counts of shape {tuple(counts.shape)}.'
        )
    if group_names is not None and int(groups.max()) >= len(group_names):
        raise ValueError(
            f'A class is of super class {int(groups.max())}, but '
            f'{len(group_names)} have names.'
        )
