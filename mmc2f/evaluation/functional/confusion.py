"""Which classes are taken for which, inside and across super classes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmc2f.retrieval.chosen_predictions import answers

__all__ = ['ErrorShares', 'confusion_of_records', 'error_shares']


class ErrorShares(NamedTuple):
    """Parts of all images, which sum to 1.

    Attributes:
        right: The class is right.
        inside: Another class of the same super class is answered.
        across: A class of another super class is answered.
    """

    right: float
    inside: float
    across: float


def confusion_of_records(
    records: Sequence[Mapping[str, Any]],
    class_names: Sequence[str],
    reranked: bool = True,
) -> Tensor:
    """Count how often each class is taken for each other one.

    Args:
        records: Of :func:`mmc2f.retrieval.prediction_record.\
prediction_record`, all at the level of the classes. One without a truth
            does not count.
        class_names: C names.
        reranked: By the answer after re-ranking, where there is one.

    Returns:
        Counts ``(C, C)``, a row for each true class.

    Raises:
        ValueError: No prediction has a truth, or one names another class.
    """
    places = {name: index for index, name in enumerate(class_names)}
    counts = torch.zeros(len(places), len(places), dtype=torch.long)
    for record in records:
        if record['truth'] is None:
            continue
        pair = record['truth'], answers(record)[int(reranked)]
        for name in pair:
            if name not in places:
                raise ValueError(
                    f'a prediction names the class {name!r}, which is none '
                    f'of the {len(places)} of the model: do the predictions '
                    'belong to it?'
                )
        counts[places[pair[0]], places[pair[1]]] += 1
    if not counts.any():
        raise ValueError('no prediction has a true class to compare with')
    return counts


def error_shares(counts: Tensor, groups: Tensor) -> ErrorShares:
    """Part the answers into right ones and two kinds of errors.

    Args:
        counts: ``(C, C)``, a row for each true class.
        groups: ``(C,)`` super class of each class.

    Raises:
        ValueError: There is no image.
    """
    total = int(counts.sum())
    if not total:
        raise ValueError('there is no answer to part into right and wrong')
    right = int(counts.diagonal().sum())
    same = int(counts[groups[:, None] == groups].sum())
    return ErrorShares(
        right / total, (same - right) / total, (total - same) / total
    )
