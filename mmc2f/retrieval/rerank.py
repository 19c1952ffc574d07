"""Re-ranking of coarse predictions by retrieved images, CCFR Eq. (8)-(9)."""

import torch
from torch import Tensor

from mmc2f.arguments import check_choice, check_whole
from mmc2f.precision import at_least_float32
from mmc2f.retrieval.stable_order import stable_order

__all__ = [
    'GATES',
    'NO_NEIGHBOUR',
    'mix_scores',
    'rerank',
    'retrieval_scores',
    'retrieval_votes',
    'strict_order',
]

GATES = ('per_class', 'top1')

# Under every cosine similarity, so that a class that was not retrieved comes
# after all that were.
NO_NEIGHBOUR = -2.0

# One step of the order among equal scores: two units in the last place of a
# float32 near 1, so a score moves by no more than topn of them.
_TIE_STEP = 2.0**-22


def rerank(
    coarse_probs: Tensor,
    similarities: Tensor,
    neighbour_labels: Tensor,
    topn: int = 5,
    t_sf: float = 0.5,
    t_sc: float = 0.7,
    alpha: float = 0.0,
    beta: float = 1.0,
    gate: str = 'per_class',
) -> Tensor:
    r"""Re-rank the top n classes by the neighbours' votes, Eq. (8)-(9).

    Composes :func:`retrieval_votes` (Eq. 9), :func:`mix_scores` (Eq. 8) and
    :func:`strict_order`.

    A query that is left alone (its gate is shut, or no neighbour of the top
    n passes :math:`T_{sc}`, where Eq. 9 has no value) gets its coarse
    probabilities back, bit for bit. The scores of any other query are those
    of :func:`strict_order`: finite, never negative, without ties; they do
    not sum to 1.

    Args:
        coarse_probs: Softmax :math:`S_f`, ``(B, C)``.
        similarities: Cosine similarities of the retrieved images, ``(B, m)``;
            m = topm may be 0. NaN or -inf count as under :math:`T_{sc}`.
        neighbour_labels: Their classes, ``(B, m)``; -1 stands for a
            neighbour that the index did not find, and is not counted.
        topn: How many classes take part; clamped to C.
        t_sf: :math:`T_{sf}`, softmax from which a prediction is trusted.
        t_sc: :math:`T_{sc}` >= 0, similarity above which a neighbour counts.
        alpha: Weight >= 0 of the softmax.
        beta: Weight >= 0 of the neighbours' votes.
        gate: ``'per_class'`` or ``'top1'``, see :func:`mix_scores`.

    Returns:
        Scores ``(B, C)``, float32, or float64 where ``coarse_probs`` is.

    Raises:
        ValueError: A shape, a label or a parameter is out of its range.
    """
    check_parameters(topn, t_sc, alpha, beta, gate)
    check_shapes(coarse_probs, similarities, neighbour_labels)
    probs = at_least_float32(coarse_probs)
    order = coarse_order(probs)
    top = order[:, :topn]
    votes, is_voted = retrieval_votes(
        similarities, neighbour_labels, top, t_sc, probs
    )
    mixed, is_open = mix_scores(
        probs.gather(1, top), votes, t_sf, alpha, beta, gate
    )
    scores = strict_order(mixed, order, alpha + beta)
    return torch.where(is_voted & is_open, scores, probs)


def coarse_order(probs: Tensor) -> Tensor:
    """Classes ``(B, C)``, best first, equals by the lower class index."""
    return stable_order(probs)


def retrieval_votes(
    similarities: Tensor,
    neighbour_labels: Tensor,
    top: Tensor,
    t_sc: float,
    probs: Tensor,
) -> tuple[Tensor, Tensor]:
    r"""Share of the top n classes in the neighbours' votes, Eq. (9).

    .. math::
        S_c(q, c) = \frac{\sum_k sim(q, x_k^c)}
            {\sum_{c'=1}^{topn} \sum_k sim(q, x_k^{c'})},
        \quad sim > T_{sc}

    Args:
        similarities: ``(B, m)``.
        neighbour_labels: ``(B, m)``; -1 is not counted.
        top: The n classes of highest softmax, ``(B, n)``.
        t_sc: :math:`T_{sc}`.
        probs: Softmax ``(B, C)``; gives the class count and precision.

    Returns:
        :math:`S_c` ``(B, n)`` in the order of ``top``, and whether Eq. 9 has
        a value, ``(B, 1)`` bool; where it has none the votes are 0.
    """
    counts = (similarities > t_sc) & (neighbour_labels >= 0)
    weights = similarities.to(probs.dtype).masked_fill(~counts, 0.0)
    return vote_shares(weights, neighbour_labels, top, probs)


def vote_shares(
    weights: Tensor, neighbour_labels: Tensor, top: Tensor, probs: Tensor
) -> tuple[Tensor, Tensor]:
    """Sum weights ``(B, m)`` per class, and normalise over the top n."""
    per_class = torch.zeros_like(probs).scatter_add(
        1, neighbour_labels.clamp(min=0), weights
    )
    votes = per_class.gather(1, top)
    total = votes.sum(dim=1, keepdim=True)
    is_voted = total > 0
    return votes / total.masked_fill(~is_voted, 1.0), is_voted


def mix_scores(
    softmax: Tensor,
    votes: Tensor,
    t_sf: float,
    alpha: float,
    beta: float,
    gate: str,
) -> tuple[Tensor, Tensor]:
    r"""Softmax and votes of the top n classes, mixed by Eq. (8).

    .. math::
        S_q^c = \begin{cases}
            S_f(q, c) & S_f(q, c) \ge T_{sf} \\
            \alpha S_f(q, c) + \beta S_c(q, c) & \text{otherwise}
        \end{cases}

    Args:
        softmax: :math:`S_f` ``(B, n)``, best first.
        votes: :math:`S_c` ``(B, n)`` of the same classes.
        t_sf: :math:`T_{sf}`.
        alpha: :math:`\alpha`.
        beta: :math:`\beta`.
        gate: ``'per_class'`` compares each class with :math:`T_{sf}`, as
            Eq. 8 is printed; ``'top1'`` compares the best class only: it
            leaves the query alone when that one reaches :math:`T_{sf}`, and
            otherwise mixes all of the top n.

    Returns:
        Scores ``(B, n)``, and whether the query may be re-ranked, ``(B, 1)``
        bool.
    """
    mixed = alpha * softmax + beta * votes
    is_trusted = softmax >= t_sf
    if gate == 'per_class':
        mixed = torch.where(is_trusted, softmax, mixed)
        return mixed, torch.ones_like(is_trusted[:, :1])
    return mixed, ~is_trusted[:, :1]


def strict_order(mixed: Tensor, order: Tensor, scale: float = 1.0) -> Tensor:
    r"""Scores of all classes without ties, the top n before the others.

    The top n are ordered by their mixed score, equals by their softmax; the
    others follow by their softmax. With :math:`r` the place in that order,
    from 0, and :math:`\delta = 2^{-22} \max(1, scale)` the score is

    * mixed score :math:`+ (n - r)\,\delta` for the top n;
    * :math:`\delta\,(C - r) / (C - n + 1)` for the others: above 0, below
      :math:`\delta`, and so below every class of the top n, even one whose
      mixed score is 0.

    Args:
        mixed: Scores >= 0 of the top n classes, ``(B, n)``, in coarse order.
        order: All classes in coarse order, ``(B, C)``.
        scale: The greatest mixed score that there can be.

    Returns:
        ``(B, C)``, finite, never negative, strictly decreasing along the
        order.
    """
    topn, num_classes = mixed.shape[1], order.shape[1]
    # Stable, over columns in coarse order: equals stay in coarse order.
    place = stable_order(mixed)
    delta = _TIE_STEP * max(1.0, scale)
    lift = delta * torch.arange(topn, 0, -1, device=order.device)
    below = torch.arange(num_classes - topn, 0, -1, device=order.device)
    below = delta * below / (num_classes - topn + 1)

    top, rest = order[:, :topn], order[:, topn:]
    scores = mixed.new_empty(order.shape)
    scores.scatter_(1, top.gather(1, place), mixed.gather(1, place) + lift)
    return scores.scatter_(1, rest, below.to(scores).expand_as(rest))


def retrieval_scores(
    similarities: Tensor, neighbour_labels: Tensor, num_classes: int
) -> Tensor:
    """Score each class by its nearest retrieved image (CCFR, Table 4).

    The best class is the label of the nearest image and the best five are
    the five nearest distinct classes; where images of two classes are
    equally near, the scores are equal too.

    Args:
        similarities: Cosine similarities, ``(B, m)``; m may be 0.
        neighbour_labels: Classes of the neighbours, ``(B, m)``; -1 is skipped.
        num_classes: C.

    Returns:
        ``(B, C)`` similarity of the best neighbour of each class;
        :data:`NO_NEIGHBOUR` (-2, under every cosine) where there is none.

    Raises:
        ValueError: The shapes differ, or a label is not a class.
    """
    _check_neighbours(similarities, neighbour_labels, num_classes)
    similarities = at_least_float32(similarities)
    is_found = (neighbour_labels >= 0) & ~similarities.isnan()
    return similarities.new_full(
        (similarities.shape[0], num_classes), NO_NEIGHBOUR
    ).scatter_reduce(
        1,
        neighbour_labels.clamp(min=0),
        similarities.masked_fill(~is_found, NO_NEIGHBOUR),
        reduce='amax',
    )


def check_parameters(
    topn: int, t_sc: float, alpha: float, beta: float, gate: str
) -> None:
    """The parameters of :func:`rerank` are in their ranges."""
    check_whole('topn', topn)
    # Only positive similarities may vote: else Eq. 9 divides by a sum that
    # can vanish or change its sign.
    if not t_sc >= 0:
        raise ValueError(f't_sc must not be negative, got {t_sc}.')
    if not (alpha >= 0 and beta >= 0):
        raise ValueError(
            'alpha and beta must not be negative, got '
            f'alpha={alpha}, beta={beta}.'
        )
    check_choice('gate', gate, GATES)


def check_shapes(
    coarse_probs: Tensor, similarities: Tensor, labels: Tensor
) -> None:
    """Softmax and neighbours are of the same queries and classes."""
    if coarse_probs.dim() != 2 or coarse_probs.shape[1] == 0:
        raise ValueError(
            'coarse_probs must be (B, C) with at least one class, got '
            f'{tuple(coarse_probs.shape)}.'
        )
    _check_neighbours(similarities, labels, coarse_probs.shape[1])
    if similarities.shape[0] != coarse_probs.shape[0]:
        raise ValueError(
            f'coarse_probs has {coarse_probs.shape[0]} queries but '
            f'similarities has {similarities.shape[0]}.'
        )


def _check_neighbours(
    similarities: Tensor, labels: Tensor, num_classes: int
) -> None:
    if similarities.dim() != 2 or similarities.shape != labels.shape:
        raise ValueError(
            'similarities and neighbour_labels must both be (B, m), got '
            f'{tuple(similarities.shape)} and {tuple(labels.shape)}.'
        )
    if labels.numel() and not (
        int(labels.min()) >= -1 and int(labels.max()) < num_classes
    ):
        raise ValueError(
            f'A neighbour has label {int(labels.max())} or '
            f'{int(labels.min())}, but there are {num_classes} classes: was '
            'the gallery built with another class list?'
        )
