"""From predictions to the picture of what is taken for what."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from mmc2f.evaluation.functional.confusion import (
    confusion_of_records,
    error_shares,
)
from mmc2f.structures import LabelTree
from mmc2f.visualization.draw_confusion import draw_confusion

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ['confusion_picture']

ADDED = 'only in the gallery'


def confusion_picture(
    records: Sequence[Mapping[str, Any]],
    class_names: Sequence[str],
    tree: LabelTree | None,
    reranked: bool = True,
) -> tuple['Figure', dict[str, Any]]:
    """Draw predictions by class and by the super classes above.

    Args:
        records: Of :func:`mmc2f.retrieval.prediction_record.\
prediction_record`, at the finest level.
        class_names: Of the model; those that only its gallery knows last.
        tree: Of the model's classes; ``None`` or one with a single level
            where no super classes are known.
        reranked: By the answers after re-ranking, where there are any.

    Returns:
        The picture, and its numbers in JSON types: ``images``, the
        ``shares`` of right answers and of errors inside and across super
        classes, and ``confused``: the counts of each true class by answer.

    Raises:
        ValueError: See :func:`confusion_of_records`.
    """
    counts = confusion_of_records(records, class_names, reranked)
    groups, names = None, []
    if tree is not None and tree.num_levels > 1:
        names = list(tree.names(1))
        above = tree.parent_of(0)
        num_added = len(class_names) - len(above)
        if num_added:
            above = torch.cat(
                [above, above.new_full((num_added,), len(names))]
            )
            names.append(ADDED)
        groups = above
    was_reranked = reranked and any('reranked' in r for r in records)
    figure = draw_confusion(
        counts,
        class_names,
        groups,
        names,
        'answers after re-ranking' if was_reranked else 'coarse answers',
    )
    return figure, _facts(counts, class_names, groups)


def _facts(
    counts: torch.Tensor,
    names: Sequence[str],
    groups: torch.Tensor | None,
) -> dict[str, Any]:
    known = groups is not None
    of_class = counts.new_zeros(len(counts)) if groups is None else groups
    shares = error_shares(counts, of_class)
    told = {'right': shares.right}
    told |= (
        {'wrong inside': shares.inside, 'wrong across': shares.across}
        if known
        else {'wrong': shares.inside}
    )
    rows = counts.tolist()
    return {
        'images': int(counts.sum()),
        'shares': told,
        'confused': {
            name: {names[i]: n for i, n in enumerate(row) if n}
            for name, row in zip(names, rows, strict=True)
        },
    }
