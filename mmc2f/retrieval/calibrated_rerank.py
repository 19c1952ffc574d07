"""Re-ranking in calibrated units: probabilities and temperatures.

The thresholds of Eq. 8-9 are cosines and softmax values, whose scale is
another in each embedding. Here every term is a probability: that of the
classifier, tempered, and that of the retrieved images.
"""

import torch
from torch import Tensor

from mmc2f.precision import at_least_float32
from mmc2f.retrieval.rerank import (
    NO_NEIGHBOUR,
    check_shapes,
    coarse_order,
    strict_order,
    vote_shares,
)

__all__ = [
    'fit_temperature',
    'kernel_votes',
    'mix_prototypes',
    'rerank_by_kernel',
    'rerank_by_prototypes',
    'temper',
]

# Temperatures that are searched for the best one.
_TEMPERATURES = 0.05, 20.0


def temper(probs: Tensor, temperature: float) -> Tensor:
    """Softmax of logits / T, from the probabilities that T = 1 gives.

    Args:
        probs: ``(B, C)``, each row up to a factor: the top n of more classes
            give the distribution over these n.
        temperature: T > 0; above 1 the answers become less sure.
    """
    return (_log(probs) / temperature).softmax(dim=1)


def fit_temperature(probs: Tensor, labels: Tensor) -> float:
    """The temperature of least negative log-likelihood.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017. The
    likelihood is unimodal in 1 / T.

    Args:
        probs: Softmax ``(N, C)`` of images that the weights were not fitted
            to.
        labels: ``(N,)``.

    Returns:
        T in [0.05, 20].

    Raises:
        ValueError: There is no image.
    """
    from scipy.optimize import minimize_scalar

    if not len(probs):
        raise ValueError('A temperature is fitted on one image or more.')
    logs = _log(probs.double())
    of_label = logs.gather(1, labels[:, None])[:, 0]

    def loss(inverse: float) -> float:
        norm = (logs * inverse).logsumexp(dim=1)
        return float((norm - of_label * inverse).mean())

    lowest, highest = _TEMPERATURES
    found = minimize_scalar(
        loss, bounds=(1 / highest, 1 / lowest), method='bounded'
    )
    return float(1 / found.x)


def rerank_by_kernel(
    coarse_probs: Tensor,
    similarities: Tensor,
    neighbour_labels: Tensor,
    topn: int,
    temperature: float,
    tau: float,
    weight: float,
) -> Tensor:
    r"""Mix softmax and the votes of near images, near ones counting more.

    .. math::
        S^c = (1 - w)\, p_T(c) + w \frac{\sum_{k: y_k = c} e^{s_k / \tau}}
            {\sum_{k: y_k \in top} e^{s_k / \tau}}

    over the ``topn`` classes of highest softmax, :math:`p_T` the softmax at
    temperature T normalised over them, :math:`s_k, y_k` similarity and class
    of the neighbours. The top n get :math:`S`, which sums to 1, through
    :func:`strict_order`; a query none of whose neighbours is of the top n
    gets its coarse probabilities back.

    Args:
        coarse_probs: ``(B, C)``.
        similarities: Of the retrieved images, ``(B, m)``.
        neighbour_labels: Their classes, ``(B, m)``; -1 is not counted.
        topn: How many classes take part; clamped to C.
        temperature: T > 0 of the softmax.
        tau: :math:`\tau` > 0, in units of cosine similarity: a neighbour
            nearer by that much counts e times as much.
        weight: w in [0, 1].

    Returns:
        Scores ``(B, C)``, float32, or float64 where ``coarse_probs`` is.

    Raises:
        ValueError: Shapes or labels do not fit each other.
    """
    check_shapes(coarse_probs, similarities, neighbour_labels)
    probs = at_least_float32(coarse_probs)
    order = coarse_order(probs)
    top = order[:, :topn]
    softmax = temper(probs.gather(1, top), temperature)
    votes, is_voted = kernel_votes(
        similarities, neighbour_labels, top, tau, probs
    )
    scores = strict_order((1 - weight) * softmax + weight * votes, order)
    return torch.where(is_voted, scores, probs)


def kernel_votes(
    similarities: Tensor,
    neighbour_labels: Tensor,
    top: Tensor,
    tau: float,
    probs: Tensor,
) -> tuple[Tensor, Tensor]:
    r"""Share of the top n classes in the votes :math:`e^{s / \tau}`.

    Args:
        similarities: ``(B, m)``.
        neighbour_labels: ``(B, m)``; -1 is not counted.
        top: The n classes of highest softmax, ``(B, n)``.
        tau: :math:`\tau`.
        probs: Softmax ``(B, C)``; gives the class count and precision.

    Returns:
        Shares ``(B, n)`` in the order of ``top``, and whether there is a
        vote, ``(B, 1)`` bool; where there is none the shares are 0.
    """
    labels = neighbour_labels.clamp(min=0)
    is_top = torch.zeros_like(probs, dtype=torch.bool).scatter_(1, top, True)
    counts = is_top.gather(1, labels) & (neighbour_labels >= 0)
    counts &= similarities.isfinite()
    if not similarities.shape[1]:
        return torch.zeros_like(top, dtype=probs.dtype), counts.any(1, True)
    scaled = similarities.to(probs.dtype).masked_fill(~counts, -torch.inf)
    # The greatest becomes 1, so that not all underflow.
    greatest = scaled.amax(dim=1, keepdim=True)
    greatest = greatest.masked_fill(greatest == -torch.inf, 0)
    weights = ((scaled - greatest) / tau).exp()
    return vote_shares(weights, neighbour_labels, top, probs)


def rerank_by_prototypes(
    coarse_probs: Tensor,
    class_similarities: Tensor,
    topn: int,
    temperature: float,
    kappa: float,
) -> Tensor:
    r"""Softmax times a likelihood that falls with the distance to the class.

    .. math::
        S^c \propto p_T(c)\, e^{\kappa\, sim(q, \mu_c)}

    over the ``topn`` classes of highest softmax; :math:`\mu_c` is the mean
    of the gallery images of the class (a von Mises-Fisher density of one
    concentration :math:`\kappa` for all classes). The top n get :math:`S`,
    which sums to 1, through :func:`strict_order`; a query none of whose top
    n classes has a gallery image gets its coarse probabilities back.

    Args:
        coarse_probs: ``(B, C)``.
        class_similarities: Cosine to each class mean, ``(B, C)``;
            ``NO_NEIGHBOUR`` for a class without gallery image, which keeps
            its :math:`p_T`. :class:`~mmc2f.retrieval.Gallery` has them, as
            ``class_similarities``.
        topn: How many classes take part; clamped to C.
        temperature: T > 0 of the softmax.
        kappa: :math:`\kappa` >= 0.

    Returns:
        Scores ``(B, C)``, float32, or float64 where ``coarse_probs`` is.

    Raises:
        ValueError: The two differ in shape.
    """
    if coarse_probs.dim() != 2 or coarse_probs.shape != (
        class_similarities.shape
    ):
        raise ValueError(
            'coarse_probs and class_similarities must both be (B, C), got '
            f'{tuple(coarse_probs.shape)} and '
            f'{tuple(class_similarities.shape)}: was the gallery built with '
            'another class list?'
        )
    probs = at_least_float32(coarse_probs)
    order = coarse_order(probs)
    top = order[:, :topn]
    mixed, is_known = mix_prototypes(
        temper(probs.gather(1, top), temperature),
        class_similarities.gather(1, top),
        kappa,
    )
    return torch.where(is_known, strict_order(mixed, order), probs)


def mix_prototypes(
    softmax: Tensor, similarities: Tensor, kappa: float
) -> tuple[Tensor, Tensor]:
    r"""Softmax times :math:`e^{\kappa\, sim}`, normalised.

    Classes without a prototype keep their softmax; the others share the
    rest of the probability.

    Args:
        softmax: Of the top n classes, ``(B, n)``, sums to 1.
        similarities: To their prototypes, ``(B, n)``.
        kappa: :math:`\kappa`.

    Returns:
        Probabilities ``(B, n)``, and whether any class has a prototype,
        ``(B, 1)`` bool.
    """
    is_known = similarities > NO_NEIGHBOUR
    logits = _log(softmax) + kappa * similarities.to(softmax.dtype)
    # A finite value: a row without any known class must not become NaN.
    lowest = torch.finfo(softmax.dtype).min
    shares = logits.masked_fill(~is_known, lowest).softmax(dim=1)
    to_share = softmax.masked_fill(~is_known, 0).sum(dim=1, keepdim=True)
    mixed = torch.where(is_known, shares * to_share, softmax)
    return mixed, is_known.any(dim=1, keepdim=True)


def _log(probs: Tensor) -> Tensor:
    """Logarithm; that of a probability that underflowed stays finite."""
    return probs.clamp(min=torch.finfo(torch.float32).tiny).log()
