"""Scores for classes that only the gallery knows."""

import torch
from torch import Tensor

from mmc2f.precision import at_least_float32
from mmc2f.retrieval.rerank import NO_NEIGHBOUR, coarse_order

__all__ = ['extend_scores', 'pad_scores']


def extend_scores(
    probs: Tensor, class_similarities: Tensor, topn: int, kappa: float
) -> Tensor:
    r"""Give classes without a logit a place among the softmax.

    A class k that was added to the gallery after the training gets the share
    of a likelihood that falls with the distance to the class mean, among the
    ``topn`` best classes of the model and all added ones:

    .. math::
        \pi_k = \frac{e^{\kappa\, sim(q, \mu_k)}}
            {\sum_{c \in top \cup added} e^{\kappa\, sim(q, \mu_c)}}, \quad
        S'_f(q, k) = (1 - u)\, \pi_k, \quad
        S'_f(q, c) = \Bigl(1 - \sum_k \pi_k\Bigr) S_f(q, c)

    This is the density of :func:`rerank_by_prototypes`. The softmax says
    nothing of such a class, however sure it is, so it only divides what the
    class means leave to the classes of the model; their order among each
    other stays. A class of the top n without a gallery image cannot be
    compared, and keeps its softmax; :math:`u` is what these have.

    Re-ranking then goes on with :math:`S'_f` in place of :math:`S_f`.

    Args:
        probs: Softmax :math:`S_f` of the model's C classes, ``(B, C)``.
        class_similarities: Cosine to the mean of each class, ``(B, C + K)``,
            the K added ones last; ``NO_NEIGHBOUR`` for one without an image.
        topn: How many classes of the model are compared; clamped to C.
        kappa: :math:`\kappa` >= 0, the concentration.

    Returns:
        :math:`S'_f`, ``(B, C + K)``, of the same sum as ``probs``.

    Raises:
        ValueError: There are fewer similarities than probabilities.
    """
    num_known = probs.shape[1]
    num_added = class_similarities.shape[1] - num_known
    if num_added < 0 or len(probs) != len(class_similarities):
        raise ValueError(
            f'softmax {tuple(probs.shape)} and similarities to class means '
            f'{tuple(class_similarities.shape)} do not fit each other'
        )
    probs = at_least_float32(probs)
    similarities = class_similarities.to(probs.dtype)
    is_compared = torch.zeros_like(similarities, dtype=torch.bool)
    is_compared.scatter_(1, coarse_order(probs)[:, :topn], True)
    is_top = is_compared[:, :num_known].clone()
    is_compared[:, num_known:] = True
    has_image = similarities > NO_NEIGHBOUR
    logits = (kappa * similarities).masked_fill(
        ~(is_compared & has_image), -torch.inf
    )
    shares = logits.softmax(dim=1)[:, num_known:]
    # Where no class could be compared at all.
    shares = shares.nan_to_num(0.0)
    keeps = is_top & ~has_image[:, :num_known]
    kept = probs.masked_fill(~keeps, 0).sum(dim=1, keepdim=True)
    taken = shares.sum(dim=1, keepdim=True)
    known = torch.where(keeps, probs, (1 - taken) * probs)
    return torch.cat([known, (1 - kept) * shares], dim=1)


def pad_scores(probs: Tensor, num_added: int) -> Tensor:
    """Probabilities ``(..., C)`` with 0 for each added class."""
    zeros = probs.new_zeros(*probs.shape[:-1], num_added)
    return torch.cat([probs, zeros], dim=-1)
