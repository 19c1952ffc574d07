"""How often the finest confident level answers, and how well."""

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ['answer_measures']


def answer_measures(
    levels: Tensor, correct: Tensor, names: Sequence[str]
) -> dict[str, float]:
    """Coverage and accuracy of answers of different levels, in percent.

    Args:
        levels: ``(N,)`` level of each answer, -1 for none.
        correct: ``(N, L)`` bool, whether each level's answer is right.
        names: Names of the L levels.

    Returns:
        ``answered``, the share of images that got an answer; ``accuracy``,
        the share of right ones among the answers, NaN where there is none;
        ``{level}_share``, the share of images answered at the level. The
        shares add up to ``answered``.

    Raises:
        ValueError: There is no image.
    """
    if not len(levels):
        raise ValueError('no image to judge the answers to')
    is_answered = levels >= 0
    rows = is_answered.nonzero().flatten()
    is_right = correct[rows, levels[rows]].double()
    shares = {
        f'{name}_share': 100 * (levels == level).double().mean().item()
        for level, name in enumerate(names)
    }
    return {
        'answered': 100 * is_answered.double().mean().item(),
        'accuracy': 100 * is_right.mean().item() if len(rows) else torch.nan,
        **shares,
    }
