"""Re-ranking of coarse predictions by retrieved images, CCFR Eq. (8)-(9)."""

import torch
from torch import Tensor

__all__ = ['GATES', 'NO_NEIGHBOUR', 'rerank', 'retrieval_scores']

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

    .. math::
        S_q^c &= \begin{cases}
            S_f(q, c) & \text{kept} \\
            \alpha S_f(q, c) + \beta S_c(q, c) & \text{otherwise}
        \end{cases} \\
        S_c(q, c) &= \frac{\sum_k sim(q, x_k^c)}
            {\sum_{c'=1}^{topn} \sum_k sim(q, x_k^{c'})},
        \quad sim > T_{sc}

    over the ``topn`` classes of highest :math:`S_f` and the retrieved images
    that belong to them.

    **Final scores.** A query that is left alone (its gate is shut, or no
    neighbour of the top n passes :math:`T_{sc}`, where Eq. 9 has no value)
    gets its coarse probabilities back, bit for bit. For every other query
    the classes get an order without ties: the top n by Eq. 8, equals among
    them by :math:`S_f`, and after them the remaining classes by
    :math:`S_f`; equal :math:`S_f` by the lower class index. With :math:`r`
    the place in that order, from 0, and
    :math:`\delta = 2^{-22} \max(1, \alpha + \beta)` the score is

    * :math:`S_q^c + (topn - r)\,\delta` for the top n, so Eq. 8 up to
      ``topn`` rounding steps;
    * :math:`\delta\,(C - r) / (C - topn + 1)` for the others: above 0,
      below :math:`\delta`, and so below every class of the top n, even one
      that Eq. 8 gives 0.

    Scores are finite, never negative and strictly decreasing along the
    order; they do not sum to 1.

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
        gate: ``'per_class'`` keeps :math:`S_f` of each class with
            :math:`S_f \ge T_{sf}`, as Eq. 8 is printed; ``'top1'`` leaves
            the query alone when its best :math:`S_f \ge T_{sf}` and
            otherwise re-ranks all of the top n.

    Returns:
        Scores ``(B, C)``, float32, or float64 where ``coarse_probs`` is.

    Raises:
        ValueError: A shape, a label or a parameter is out of its range.
    """
    check_parameters(topn, t_sc, alpha, beta, gate)
    _check_shapes(coarse_probs, similarities, neighbour_labels)
    probs = _at_least_float32(coarse_probs)
    num_classes = probs.shape[1]
    topn = min(topn, num_classes)

    coarse_order = probs.argsort(dim=1, descending=True, stable=True)
    top, rest = coarse_order[:, :topn], coarse_order[:, topn:]
    softmax = probs.gather(1, top)
    votes, is_voted = _normalised_votes(
        _votes_per_class(similarities, neighbour_labels, t_sc, probs), top
    )

    mixed = alpha * softmax + beta * votes
    if gate == 'per_class':
        mixed = torch.where(softmax >= t_sf, softmax, mixed)
        is_open = is_voted
    else:
        is_open = is_voted & (softmax[:, :1] < t_sf)

    # Stable, over columns in coarse order: equals stay in coarse order.
    place = mixed.argsort(dim=1, descending=True, stable=True)
    delta = _TIE_STEP * max(1.0, alpha + beta)
    lift = delta * torch.arange(topn, 0, -1, device=probs.device)
    below = torch.arange(num_classes - topn, 0, -1, device=probs.device)
    below = delta * below / (num_classes - topn + 1)

    scores = torch.empty_like(probs)
    scores.scatter_(1, top.gather(1, place), mixed.gather(1, place) + lift)
    scores.scatter_(1, rest, below.to(probs).expand_as(rest))
    return torch.where(is_open, scores, probs)


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
    similarities = _at_least_float32(similarities)
    is_found = (neighbour_labels >= 0) & ~similarities.isnan()
    return similarities.new_full(
        (similarities.shape[0], num_classes), NO_NEIGHBOUR
    ).scatter_reduce(
        1,
        neighbour_labels.clamp(min=0),
        similarities.masked_fill(~is_found, NO_NEIGHBOUR),
        reduce='amax',
    )


def _votes_per_class(
    similarities: Tensor, labels: Tensor, t_sc: float, probs: Tensor
) -> Tensor:
    """Sum of the similarities over T_sc for each class, ``(B, C)``."""
    counts = (similarities > t_sc) & (labels >= 0)
    votes = similarities.to(probs.dtype).masked_fill(~counts, 0.0)
    return torch.zeros_like(probs).scatter_add(1, labels.clamp(min=0), votes)


def _normalised_votes(
    votes_per_class: Tensor, top: Tensor
) -> tuple[Tensor, Tensor]:
    """Eq. (9): Sc ``(B, topn)``, and whether it has a value ``(B, 1)``."""
    votes = votes_per_class.gather(1, top)
    total = votes.sum(dim=1, keepdim=True)
    is_voted = total > 0
    return votes / total.masked_fill(~is_voted, 1.0), is_voted


def _at_least_float32(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.float()


def check_parameters(
    topn: int, t_sc: float, alpha: float, beta: float, gate: str
) -> None:
    if topn < 1:
        raise ValueError(f'topn must be at least 1, got {topn}.')
    # Only positive similarities may vote: else Eq. 9 divides by a sum that
    # can vanish or change its sign.
    if not t_sc >= 0:
        raise ValueError(f't_sc must not be negative, got {t_sc}.')
    if not (alpha >= 0 and beta >= 0):
        raise ValueError(
            'alpha and beta must not be negative, got '
            f'alpha={alpha}, beta={beta}.'
        )
    if gate not in GATES:
        raise ValueError(f'gate must be one of {GATES}, got {gate!r}.')


def _check_shapes(
    coarse_probs: Tensor, similarities: Tensor, labels: Tensor
) -> None:
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
