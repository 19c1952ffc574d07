"""What a level's own classifier and the finest one say together."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmc2f.structures.label_tree import LabelTree
from mmc2f.structures.level_scores import check_scores, sum_to_levels

__all__ = ['combine_levels']


def combine_levels(
    level_logits: Sequence[Tensor],
    tree: LabelTree,
    weight: float | Sequence[float] = 0.0,
    sharpness: float | Sequence[float] = 1.0,
) -> list[Tensor]:
    r"""Probabilities of each level from all classifiers of a hierarchy.

    With the finest classes c below a class k of level l::

        q_l = softmax(z_l)                          the level's own classifier
        m_l(k) = sum of softmax(s_l * z_0)(c) over c below k
        r_l(k) = q_l(k)^w_l * m_l(k)^(1 - w_l) / sum of the same over all k

    * w = 0: the sum of the finest probabilities ("marginal"). Where these
      are the true posterior it is the best answer there is, and a classifier
      of fewer classes can only know less.
    * w = 1: the own classifier, as it answers alone.
    * Between: their geometric mean (logarithmic opinion pool), the
      distribution with the least weighted sum of relative entropies to both.
      A class is likely where neither contradicts it.

    Each r_l is consistent with the tree: it sums the distribution over the
    finest classes proportional to ``softmax(s_l z_0)(c) * (q_l(k) /
    m_l(k))^w_l`` with k above c, which changes how likely a branch is but
    nothing within it (Jeffrey's rule). The levels need not agree with one
    another, as each may have its own weight. The finest level stays
    ``softmax(z_0)`` whatever the weights.

    The sum may choose another class than the one above the finest answer:
    one species of 0.4 against three of 0.2 in another genus. The sharpness s
    goes from the one to the other: with s = infinity, m_l is 1 for the class
    that holds the finest answer.

    Args:
        level_logits: Logits z_l of each level, fine to coarse,
            ``(N, C_l)``. Log probabilities do as well.
        tree: Hierarchy.
        weight: w of the own classifier in [0, 1], for all levels or one for
            each; that of the finest has no effect.
        sharpness: s > 0, likewise.

    Returns:
        ``(N, C_l)`` for each level, as the logits' type.

    Raises:
        ValueError: There are not as many logits, weights or sharpnesses as
            levels, logits are NaN or of other classes, or a weight or a
            sharpness is out of range.
    """
    weights = _one_a_level('weight', weight, tree)
    factors = _one_a_level('sharpness', sharpness, tree)
    if any(not 0 <= w <= 1 for w in weights):
        raise ValueError(f'weight must be in [0, 1], got {weight}')
    if any(not s > 0 for s in factors):
        raise ValueError(f'sharpness must be over 0, got {sharpness}')
    if len(level_logits) != tree.num_levels:
        raise ValueError(
            f'{len(level_logits)} logits for the levels '
            f'{", ".join(tree.levels)}: give one a level'
        )
    for level, logits in enumerate(level_logits):
        check_scores(logits, tree, level)
    result = [level_logits[0].softmax(dim=1)]
    for level in range(1, tree.num_levels):
        logits = level_logits[level]
        finest = _sharpened(level_logits[0].double(), factors[level])
        sums = sum_to_levels(finest, tree)[level]
        mixed = _geometric_mean(logits.double(), sums, weights[level])
        result.append(mixed.to(logits.dtype))
    return result


def _sharpened(logits: Tensor, factor: float) -> Tensor:
    if factor == float('inf'):
        best = logits.argmax(dim=1, keepdim=True)
        return torch.zeros_like(logits).scatter(1, best, 1.0)
    return (factor * logits).softmax(dim=1)


def _geometric_mean(logits: Tensor, sums: Tensor, weight: float) -> Tensor:
    """Of the softmax of logits, and of probabilities, normalised."""
    if weight == 0:
        return sums
    if weight == 1:
        return logits.softmax(dim=1)
    # A sum of 0 is no proof of absence, but a number too small to be held.
    log_sums = sums.clamp(min=torch.finfo(sums.dtype).tiny).log()
    log_own = logits.log_softmax(dim=1)
    return (weight * log_own + (1 - weight) * log_sums).softmax(dim=1)


def _one_a_level(
    name: str, value: float | Sequence[float], tree: LabelTree
) -> list[float]:
    # 'inf' is how JSON and the command line say infinity.
    if isinstance(value, str) or not isinstance(value, Sequence):
        return [float(value)] * tree.num_levels
    if len(value) != tree.num_levels:
        raise ValueError(
            f'{len(value)} values of {name} for the levels '
            f'{", ".join(tree.levels)}: give one a level'
        )
    return [float(v) for v in value]
