"""Re-ranks batches of a model by a gallery."""

import logging
import time
from collections.abc import Callable
from numbers import Real
from typing import Any

import torch
from mmengine.logging import print_log
from mmpretrain.structures import DataSample
from torch import Tensor

from mmc2f.arguments import check_choice, check_real, check_whole
from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval.calibrated_rerank import (
    rerank_by_kernel,
    rerank_by_prototypes,
)
from mmc2f.retrieval.gallery import Gallery
from mmc2f.retrieval.gallery_only import extend_scores, pad_scores
from mmc2f.retrieval.neighbours import ReRankResult
from mmc2f.retrieval.rerank import check_parameters, rerank, retrieval_scores

__all__ = ['ReRankPostProcessor', 'ReRanker']


# What each mode reads, beside topn and topm.
MODES = {
    'paper': ('t_sf', 't_sc', 'alpha', 'beta', 'gate'),
    'kernel': ('temperature', 'tau', 'weight'),
    'prototypes': ('temperature', 'kappa'),
    'none': (),
}


@TASK_UTILS.register_module()
class ReRankPostProcessor:
    r"""Searches the gallery and re-ranks what it finds.

    ============ =========================================================
    mode         scores of the top n classes
    ============ =========================================================
    'paper'      Eq. (8)-(9), see :func:`rerank`
    'kernel'     softmax and neighbours' votes, :func:`rerank_by_kernel`
    'prototypes' softmax and class means, :func:`rerank_by_prototypes`
    'none'       the coarse probabilities, of all classes
    ============ =========================================================

    In every mode only the order of the top n classes can change; the other
    classes follow in coarse order with scores below all of them, see
    :func:`strict_order`. ``'kernel'`` and ``'prototypes'`` give
    probabilities: of a re-ranked query the top n sum to 1 (but for
    ``topn`` steps of 2^-22 that make the order strict), so a score is how
    likely the class is, given that the true one is of the top n. Those of
    ``'paper'`` do not sum to 1. A query for which the gallery has nothing to
    say keeps its coarse probabilities, bit for bit.

    Classes that were added to the gallery have no softmax. In every mode but
    ``'none'`` they get a share of it by their class means before the
    re-ranking, see :func:`mmc2f.retrieval.gallery_only.extend_scores`;
    ``kappa`` is read for it. Scores are then of the model's classes and
    these.

    Parameters of other modes are not read. All of them can be chosen on
    held-out images, see :func:`mmc2f.retrieval.tune_rerank`.

    Args:
        topn: How many of the best coarse classes are re-ranked. More than
            the model has classes means all of them; a warning says so once.
        topm: How many neighbours are retrieved.
        t_sf: :math:`T_{sf}` in [0, 1], or ``'auto'`` for the paper's rule,
            the mean top-1 softmax; :meth:`calibrate` must then be given
            validation images, never those of the test, before the first use.
        t_sc: :math:`T_{sc}` in [0, 1].
        alpha: Weight of the softmax.
        beta: Weight of the neighbours' votes.
        gate: ``'per_class'`` or ``'top1'``, see :func:`mix_scores`.
        mode: See the table.
        temperature: T > 0 of the softmax.
        tau: Temperature > 0 of the votes, in units of cosine similarity.
        weight: Share of the votes, in [0, 1].
        kappa: Weight >= 0 of the cosine to a class mean.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(
        self,
        topn: int = 5,
        topm: int = 50,
        t_sf: float | str = 0.5,
        t_sc: float = 0.7,
        alpha: float = 0.0,
        beta: float = 1.0,
        gate: str = 'per_class',
        mode: str = 'paper',
        temperature: float = 1.0,
        tau: float = 0.05,
        weight: float = 0.5,
        kappa: float = 10.0,
    ) -> None:
        check_choice('mode', mode, MODES)
        numbers = dict(t_sc=t_sc, alpha=alpha, beta=beta, kappa=kappa)
        numbers |= dict(temperature=temperature, tau=tau, weight=weight)
        for name, value in numbers.items():
            check_real(name, value)
        check_parameters(topn, t_sc, alpha, beta, gate)
        _check_calibrated(temperature, tau, weight, kappa)
        check_whole('topm', topm)
        if t_sc > 1:
            raise ValueError(f't_sc must be in [0, 1], got {t_sc}.')
        self.mode = mode
        self.topn = topn
        self.topm = topm
        self.t_sf = _parse_t_sf(t_sf)
        self.t_sc = t_sc
        self.alpha = alpha
        self.beta = beta
        self.gate = gate
        self.temperature = temperature
        self.tau = tau
        self.weight = weight
        self.kappa = kappa
        self._has_warned_of_topn = False

    @property
    def params(self) -> dict[str, Any]:
        """The mode and what it reads, as arguments of the class."""
        names = 'mode', 'topn', 'topm', *MODES[self.mode]
        return {name: getattr(self, name) for name in names}

    @property
    def is_calibrated(self) -> bool:
        """Whether T_sf has a value, or is not needed."""
        return self.t_sf is not None or self.mode != 'paper'

    def calibrate(self, coarse_probs: Tensor) -> float:
        r"""Set :math:`T_{sf}` to the mean top-1 softmax (CCFR, 4.2).

        Args:
            coarse_probs: Softmax of validation images, ``(N, C)``.

        Returns:
            The threshold that was set.

        Raises:
            ValueError: There is no image, or a probability is not finite.
        """
        if coarse_probs.dim() != 2 or not coarse_probs.numel():
            raise ValueError(
                't_sf is calibrated on the softmax (N, C) of at least one '
                f'validation image, got shape {tuple(coarse_probs.shape)}.'
            )
        mean = float(coarse_probs.double().amax(dim=1).mean())
        self.t_sf = _parse_t_sf(mean)
        return mean

    @torch.no_grad()
    def __call__(
        self, coarse_probs: Tensor, embeddings: Tensor, gallery: Gallery
    ) -> ReRankResult:
        """Re-rank a batch.

        Args:
            coarse_probs: Softmax, ``(B, C)``.
            embeddings: Of the same images, ``(B, D)``.
            gallery: What to search.

        Raises:
            RuntimeError: ``t_sf`` is ``'auto'`` and not calibrated yet, or
                the gallery is empty.
            ValueError: Shapes or class counts do not fit each other.
        """
        if not self.is_calibrated:
            raise RuntimeError(
                "t_sf='auto' has no value yet: call calibrate() with the "
                'softmax of validation images, or set t_sf to a number.'
            )
        self._warn_of_topn(coarse_probs.shape[-1])
        extended = None
        if gallery.num_added:
            extended = self._extend(coarse_probs, embeddings, gallery)
            coarse_probs = extended
        num_classes = coarse_probs.shape[-1]
        neighbours = gallery.search(embeddings, self.topm)
        found = neighbours.similarities, neighbours.labels
        if self.mode == 'prototypes':
            found_classes = gallery.class_similarities(embeddings)
            scores = self._apply(
                rerank_by_prototypes, coarse_probs, found_classes
            )
        elif self.mode == 'kernel':
            scores = self._apply(rerank_by_kernel, coarse_probs, *found)
        elif self.mode == 'paper':
            scores = self._apply(rerank, coarse_probs, *found)
        else:
            scores = coarse_probs
        return ReRankResult(
            scores,
            neighbours,
            retrieval_scores(*found, num_classes),
            extended,
        )

    def _extend(
        self, coarse_probs: Tensor, embeddings: Tensor, gallery: Gallery
    ) -> Tensor:
        """Scores of the model's classes and of those added later."""
        known = gallery.num_classes - gallery.num_added
        if coarse_probs.shape[-1] != known:
            raise ValueError(
                f'The model has {coarse_probs.shape[-1]} classes, the model '
                f'of the gallery had {known}: was it built with another '
                'class list?'
            )
        if self.mode == 'none':
            return pad_scores(coarse_probs, gallery.num_added)
        similarities = gallery.class_similarities(embeddings)
        return extend_scores(
            coarse_probs, similarities, self.topn, self.kappa
        )

    def _apply(self, function: Callable[..., Tensor], *tensors: Tensor):
        """Call the function of the mode with the mode's parameters."""
        parameters = {name: getattr(self, name) for name in MODES[self.mode]}
        return function(*tensors, topn=self.topn, **parameters)

    def _warn_of_topn(self, num_classes: int) -> None:
        if self.topn > num_classes and not self._has_warned_of_topn:
            self._has_warned_of_topn = True
            print_log(
                f'topn={self.topn} is more than the {num_classes} classes of '
                'the model: all classes are re-ranked.',
                logger='current',
                level=logging.WARNING,
            )


def _check_calibrated(
    temperature: float, tau: float, weight: float, kappa: float
) -> None:
    """The parameters of the calibrated modes are in their ranges."""
    for name, value in (('temperature', temperature), ('tau', tau)):
        if not value > 0:
            raise ValueError(f'{name} must be above 0, got {value}.')
    if not 0 <= weight <= 1:
        raise ValueError(f'weight must be in [0, 1], got {weight}.')
    if not kappa >= 0:
        raise ValueError(f'kappa must not be negative, got {kappa}.')


class ReRanker:
    """What a model's predictions are handed to: search, re-rank, note down.

    Args:
        post_processor: The re-ranking.
        gallery: What it searches.

    Attributes:
        seconds: Time spent in searching and re-ranking so far.
    """

    def __init__(
        self, post_processor: ReRankPostProcessor, gallery: Gallery
    ) -> None:
        self.post_processor = post_processor
        self.gallery = gallery
        self.seconds = 0.0

    def __call__(self, coarse_probs: Tensor, embeddings: Tensor):
        """Re-rank probabilities ``(B, C)`` by embeddings ``(B, D)``."""
        _wait_for(coarse_probs)
        start = time.perf_counter()
        result = self.post_processor(coarse_probs, embeddings, self.gallery)
        _wait_for(result.scores)
        self.seconds += time.perf_counter() - start
        return result

    def pad(self, coarse_probs: Tensor) -> Tensor:
        """Probabilities ``(..., C)``, 0 for classes the model lacks."""
        return pad_scores(coarse_probs, self.gallery.num_added)

    def annotate(
        self, sample: DataSample, result: ReRankResult, row: int
    ) -> None:
        """Put the neighbours and the retrieval score on a sample.

        Where the gallery has classes that the model lacks, they get a
        ``coarse_score`` of 0, and ``extended_score`` is what was re-ranked.
        """
        if result.extended is not None:
            sample.coarse_score = self.pad(sample.coarse_score)
            sample.extended_score = result.extended[row]
        neighbours = result.neighbours
        indices = neighbours.indices[row]
        sample.retrieval_score = result.retrieval_scores[row]
        sample.neighbour_labels = neighbours.labels[row]
        sample.neighbour_similarities = neighbours.similarities[row]
        sample.neighbour_indices = indices
        sample.neighbour_ids = [
            self.gallery.image_ids[i] if i >= 0 else None
            for i in indices.tolist()
        ]


def _parse_t_sf(t_sf: float | str) -> float | None:
    """A threshold in [0, 1]; None stands for 'auto', not calibrated."""
    if t_sf == 'auto':
        return None
    if not isinstance(t_sf, Real) or not 0 <= t_sf <= 1:
        raise ValueError(f"t_sf must be in [0, 1] or 'auto', got {t_sf!r}.")
    return t_sf


def _wait_for(tensor: Tensor) -> None:
    """CUDA works in the background; a clock must not run ahead of it."""
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)
