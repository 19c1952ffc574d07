"""Answers that follow the parameters of re-ranking, without a forward pass."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmpretrain.structures import DataSample
from torch import nn

from mmc2f.apis.gallery_images import GalleryImages
from mmc2f.apis.image_answer import describe_answer
from mmc2f.apis.inferencer import C2FInferencer
from mmc2f.models.classifiers.rerankable import Rerankable
from mmc2f.retrieval import ReRanker, ReRankPostProcessor
from mmc2f.retrieval.reranker import MODES
from mmc2f.web.time_limit import Check

__all__ = ['LiveAnswers', 'SeenImage']

NEIGHBOURS, CLASSES = 8, 5


@dataclass(frozen=True)
class SeenImage:
    """What one forward pass has told of an image.

    Attributes:
        sample: The prediction before re-ranking, with the embedding.
        shown: The image, RGB ``(H, W, 3)`` uint8, perhaps reduced.
        factor: Side of ``shown`` over that of the image.
    """

    sample: DataSample
    shown: np.ndarray
    factor: float


class LiveAnswers:
    """Sees an image once, and answers as often as a parameter is changed.

    Of an image its coarse scores and embedding are kept. The gallery search
    and the re-ranking are done anew for each answer; they take milliseconds.

    Args:
        inferencer: Of the model. From now on it is the caller's no more: its
            re-ranker is taken off the model.

    Attributes:
        defaults: Parameters of the re-ranking as the model comes with them;
            ``None`` where it has no gallery.
    """

    def __init__(self, inferencer: C2FInferencer) -> None:
        self._inferencer = inferencer
        self._model_in_use = threading.Lock()
        reranker = inferencer.reranker
        self._gallery = None if reranker is None else reranker.gallery
        self.defaults: dict[str, Any] | None = None
        if reranker is not None:
            rule = reranker.post_processor
            names = {'mode', 'topn', 'topm'}.union(*MODES.values())
            self.defaults = {name: getattr(rule, name) for name in names}
            if self.defaults['t_sf'] is None:
                # Of mode 'paper' only, which is not the mode then.
                self.defaults['t_sf'] = 0.5
            inferencer.model.attach_reranker(None)
        self.gallery_images = GalleryImages(inferencer.model._config)

    @property
    def num_classes(self) -> int:
        """Classes that can be answered, those of the gallery alone too."""
        return len(self._inferencer.classes)

    def see(
        self,
        pixels: np.ndarray,
        shown: np.ndarray,
        check: Check = lambda: None,
    ) -> SeenImage:
        """Send an image through the model: one forward pass.

        Args:
            pixels: ``(H, W, 3)`` uint8 in the order B, G, R.
            shown: RGB, what to keep of it.
            check: Called before each layer; what it raises ends the pass.

        Raises:
            ValueError: The test pipeline cannot take the image.
        """
        model = self._inferencer.model
        with self._model_in_use, _checked_by_layer(model, check):
            (sample,) = self._inferencer(pixels, return_datasamples=True)
        if isinstance(sample, dict):
            raise ValueError(sample['error'])
        return SeenImage(sample, shown, shown.shape[1] / pixels.shape[1])

    def answer(
        self, seen: SeenImage, parameters: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Re-rank what was seen.

        Args:
            seen: Of :meth:`see`.
            parameters: Of :class:`mmc2f.ReRankPostProcessor`; those left out
                are as the model comes with them.

        Returns:
            See :class:`mmc2f.C2FInferencer`.

        Raises:
            ValueError: A parameter is out of its range.
            TypeError: One is of another type.
        """
        sample, reranker = seen.sample, None
        if self._gallery is not None:
            chosen = {**(self.defaults or {}), **(parameters or {})}
            rule = ReRankPostProcessor(**chosen)
            reranker = ReRanker(rule, self._gallery)
            sample = _rerank(sample, reranker)
        with torch.no_grad():
            return describe_answer(
                sample,
                self._inferencer.classes,
                self._inferencer.tree,
                reranker,
                topn=CLASSES,
                num_neighbours=NEIGHBOURS,
            )


@contextmanager
def _checked_by_layer(model: nn.Module, check: Check) -> Iterator[None]:
    """Call a function before each layer that runs in the block."""
    hooks = [
        layer.register_forward_pre_hook(lambda *_: check())
        for layer in model.modules()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _rerank(sample: DataSample, reranker: ReRanker) -> DataSample:
    """A copy of a sample, with the answer of a re-ranker."""
    # What a model does with its predictions, without the model.
    answering = Rerankable()
    answering.attach_reranker(reranker)
    (answered,) = answering.answer(
        sample.coarse_score[None], sample.embedding[None], [sample.clone()]
    )
    return answered
