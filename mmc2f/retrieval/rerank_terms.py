"""Why re-ranking answers as it does: the terms of each class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mmc2f.precision import at_least_float32
from mmc2f.retrieval.calibrated_rerank import (
    kernel_votes,
    mix_prototypes,
    temper,
)
from mmc2f.retrieval.rerank import (
    NO_NEIGHBOUR,
    coarse_order,
    mix_scores,
    retrieval_votes,
)
from mmc2f.retrieval.reranker import ReRankPostProcessor

__all__ = ['ReRankTerms', 'rerank_terms']

TIE = 'coarse order'
NO_VOTES = {
    'paper': 'no neighbour of the best classes is more similar than T_sc',
    'kernel': 'no neighbour is of the best classes',
    'prototypes': 'none of the best classes has a gallery image',
}


@dataclass(frozen=True)
class ReRankTerms:
    r"""The terms that the scores of one image's top n classes consist of.

    ============ ================================== =========================
    mode         terms                              total
    ============ ================================== =========================
    'paper'      softmax :math:`\alpha S_f`, votes  their sum, Eq. (8)
                 :math:`\beta S_c`; a trusted class
                 has :math:`S_f` and 0
    'kernel'     softmax :math:`(1 - w) p_T`, votes their sum
                 :math:`w` times their share
    'prototypes' log_softmax :math:`\log p_T`,      logarithm of the score;
                 cosine :math:`\kappa\, sim`; NaN   their sum, up to the same
                 for a class without prototype      constant for all classes
    'none'       softmax                            softmax
    ============ ================================== =========================

    Attributes:
        classes: The top n in coarse order, ``(n,)``.
        terms: By name, each ``(n,)``.
        total: What they add up to, ``(n,)``.
        mixed: What the classes are ordered by, ``(n,)``; equals stay in
            coarse order.
        left_alone: Why the coarse answer stays whatever the terms say,
            ``None`` where the terms decide.
    """

    classes: Tensor
    terms: dict[str, Tensor]
    total: Tensor
    mixed: Tensor
    left_alone: str | None = None

    def describe(self, names: Sequence[str]) -> dict[str, Any]:
        """In JSON types, with the term that decided.

        The winner is compared with the class that it replaced, or, where the
        coarse answer stays, with the second best. The term whose difference
        between the two is the greatest decided.

        Args:
            names: Of the C classes.

        Returns:
            ``changed``; ``left_alone``; ``winner`` and ``rival``, names, the
            latter ``None`` where only one class takes part; ``decided_by``,
            the name of a term, ``'coarse order'`` where the two are equal,
            or ``None`` where no term was asked; ``margins``, the winner's
            lead over the rival in each term; ``terms``, for each class a
            dict of ``class`` and terms (``None`` for NaN), in coarse order.
        """
        order = self.mixed.argsort(descending=True, stable=True).tolist()
        if self.left_alone is not None:
            order = list(range(len(self.classes)))
        winner = order[0]
        rival = 0 if winner else (order + [None])[1]
        margins = {} if rival is None else self._margins(winner, rival)
        decided_by = None
        if margins and self.left_alone is None:
            decided_by = max(margins, key=lambda name: margins[name])
            if margins[decided_by] <= 0:
                decided_by = TIE
        classes = [names[c] for c in self.classes.tolist()]
        return {
            'changed': winner != 0,
            'left_alone': self.left_alone,
            'winner': classes[winner],
            'rival': None if rival is None else classes[rival],
            'decided_by': decided_by,
            'margins': margins,
            'terms': [
                {'class': name}
                | {
                    term: _number(values[place])
                    for term, values in self.terms.items()
                }
                for place, name in enumerate(classes)
            ],
        }

    def _margins(self, winner: int, rival: int) -> dict[str, float]:
        first, *others = self.terms
        values = self.terms[first]
        margins = {first: float(values[winner] - values[rival])}
        for name in others:
            # What the first leaves of the whole: of a class without
            # prototype the second is unknown.
            whole = float(self.total[winner] - self.total[rival])
            margins[name] = whole - margins[first]
        return margins


def rerank_terms(
    post_processor: ReRankPostProcessor,
    coarse_probs: Tensor,
    similarities: Tensor,
    neighbour_labels: Tensor,
    class_similarities: Tensor | None = None,
) -> ReRankTerms:
    """The terms of one image, as the post-processor has mixed them.

    Args:
        post_processor: With its mode and parameters.
        coarse_probs: Softmax ``(C,)``.
        similarities: Of the retrieved images, ``(m,)``.
        neighbour_labels: Their classes, ``(m,)``.
        class_similarities: Cosines to the class means, ``(C,)``; for mode
            ``'prototypes'``.

    Raises:
        ValueError: Mode ``'prototypes'`` without ``class_similarities``, or
            ``t_sf='auto'`` that was not calibrated yet.
    """
    probs = at_least_float32(coarse_probs)[None]
    top = coarse_order(probs)[:, : post_processor.topn]
    make = _MODES[post_processor.mode]
    found: tuple[Tensor, ...]
    if post_processor.mode == 'prototypes':
        if class_similarities is None:
            raise ValueError(
                "mode 'prototypes' needs class_similarities, the cosines to "
                'the class means'
            )
        found = (class_similarities[None].gather(1, top),)
    else:
        found = similarities[None], neighbour_labels[None]
    terms, mixed, left_alone = make(post_processor, probs, top, *found)
    is_log = post_processor.mode == 'prototypes'
    return ReRankTerms(
        top[0],
        {name: values[0] for name, values in terms.items()},
        total=(_log(mixed) if is_log else mixed)[0],
        mixed=mixed[0],
        left_alone=left_alone,
    )


_Terms = tuple[dict[str, Tensor], Tensor, str | None]


def _paper(
    rule: ReRankPostProcessor,
    probs: Tensor,
    top: Tensor,
    similarities: Tensor,
    labels: Tensor,
) -> _Terms:
    t_sf = rule.t_sf
    if t_sf is None:
        raise ValueError("t_sf='auto' has no value yet: calibrate() it first")
    votes, is_voted = retrieval_votes(
        similarities, labels, top, rule.t_sc, probs
    )
    softmax = probs.gather(1, top)
    mixed, is_open = mix_scores(
        softmax, votes, t_sf, rule.alpha, rule.beta, rule.gate
    )
    is_trusted = torch.zeros_like(softmax, dtype=torch.bool)
    if rule.gate == 'per_class':
        is_trusted = softmax >= t_sf
    terms = {
        'softmax': softmax.where(is_trusted, rule.alpha * softmax),
        'votes': (rule.beta * votes).masked_fill(is_trusted, 0),
    }
    left_alone = None if is_voted.all() else NO_VOTES['paper']
    if not is_open.all():
        left_alone = f'the softmax of the best class reaches T_sf {t_sf}'
    return terms, mixed, left_alone


def _kernel(
    rule: ReRankPostProcessor,
    probs: Tensor,
    top: Tensor,
    similarities: Tensor,
    labels: Tensor,
) -> _Terms:
    votes, is_voted = kernel_votes(similarities, labels, top, rule.tau, probs)
    softmax = temper(probs.gather(1, top), rule.temperature)
    terms = {
        'softmax': (1 - rule.weight) * softmax,
        'votes': rule.weight * votes,
    }
    left_alone = None if is_voted.all() else NO_VOTES['kernel']
    return terms, terms['softmax'] + terms['votes'], left_alone


def _prototypes(
    rule: ReRankPostProcessor, probs: Tensor, top: Tensor, cosines: Tensor
) -> _Terms:
    softmax = temper(probs.gather(1, top), rule.temperature)
    mixed, is_known = mix_prototypes(softmax, cosines, rule.kappa)
    terms = {
        'log_softmax': _log(softmax),
        'cosine': (rule.kappa * cosines).masked_fill(
            cosines <= NO_NEIGHBOUR, torch.nan
        ),
    }
    left_alone = None if is_known.all() else NO_VOTES['prototypes']
    return terms, mixed, left_alone


def _none(
    rule: ReRankPostProcessor, probs: Tensor, top: Tensor, *_: Tensor
) -> _Terms:
    softmax = probs.gather(1, top)
    return {'softmax': softmax}, softmax, 're-ranking is off (mode none)'


_MODES: dict[str, Callable[..., _Terms]] = {
    'paper': _paper,
    'kernel': _kernel,
    'prototypes': _prototypes,
    'none': _none,
}


def _log(probs: Tensor) -> Tensor:
    return probs.clamp(min=torch.finfo(torch.float32).tiny).log()


def _number(value: Tensor) -> float | None:
    return None if value.isnan() else float(value)
