"""From an image to the answer and its reasons, in one call."""

import copy
import fnmatch
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import Compose, default_collate
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from mmpretrain.apis import ImageClassificationInferencer
from mmpretrain.datasets.transforms import PackInputs
from mmpretrain.registry import TRANSFORMS as HOST_TRANSFORMS
from rich.console import Console
from rich.progress import track

from mmc2f.apis.config_file import shipped_configs
from mmc2f.apis.image_answer import describe_answer
from mmc2f.apis.image_inputs import ImageInput, find_images, read_image
from mmc2f.apis.load_model import (
    class_names,
    end_early,
    label_tree,
    load_model,
    make_reranker,
)
from mmc2f.arguments import type_name
from mmc2f.retrieval import Gallery, ReRanker

__all__ = ['C2FInferencer']

#: Steps that read a file, and one that needs a label.
LOADERS = ('LoadImage', 'LoadImageFromFile')
NEEDS_LABEL = 'AddHierarchyLabels'


@dataclass(frozen=True)
class _Prepared:
    """An image as the model takes it, or why there is none."""

    name: str
    data: dict[str, Any] | None = None
    error: str | None = None

    @property
    def shape(self) -> torch.Size | None:
        return None if self.data is None else self.data['inputs'].shape


class C2FInferencer(ImageClassificationInferencer):
    """Classifies images, re-ranks, and tells what the answer rests on. ::

        predict = mmc2f.C2FInferencer(
            'ccfr_grocery',
            pretrained='epoch_6.pth',
            gallery='gallery.safetensors',
        )
        for answer in predict(['a.jpg', 'folder', '*.png'], batch_size=8):
            print(answer['image'], answer['pred_class'])

    The inferencer of mmpretrain with its calling habits, for CCFR, MLPH and
    any :class:`~mmc2f.models.EmbeddingClassifier`. An image is a path, an
    address, the bytes of a file, a PIL image, or an array ``(H, W, 3)`` of
    uint8 in the order B, G, R; a folder stands for the images in it and
    below, a pattern such as ``'**/*.jpg'`` for what it matches. They go
    through the config's test pipeline. The answer to an image does not depend
    on what else is in its batch.

    Each image gives a dict of JSON types:

    * ``image``: path, or ``image N`` with its place among the inputs;
    * ``error``: why there is no answer; then there is nothing else;
    * ``pred_label``, ``pred_class``, ``pred_score``: the answer, and
      ``coarse_label``, ``coarse_class``, ``coarse_score``: before re-ranking;
    * ``coarse``, ``reranked``: the ``topn`` best classes of each, lists of
      ``class`` with ``probability`` or ``score``;
    * ``neighbours``: the nearest gallery images, list of ``image``,
      ``class``, ``similarity``;
    * ``reason``: which term of the re-ranking decided, see
      :meth:`mmc2f.retrieval.ReRankTerms.describe`, and the ``mode``;
    * ``levels``: for each level of the label tree, fine to coarse, its
      ``level``, best ``class`` with ``probability``, by the level's own
      classifier, else by the sum over the classes below; and ``of_answer``,
      the class that ``pred_class`` belongs to. A known ``taxonomy`` of the
      config goes before the tree of CCFR's head;
    * ``finest_sure``: ``level``, ``class`` and ``probability`` of the finest
      level that reaches its threshold, ``None`` where none does; only of a
      head with ``level_thresholds``;
    * ``boxes``: the regions, list of ``box`` (x1, y1, x2, y2 in pixels of
      the original image), ``score``, see
      :func:`mmc2f.structures.predicted_boxes`, and ``scale``, from 0.

    Without a gallery nothing is re-ranked, and what belongs to it is left
    out.

    Args:
        model: Name or path of a config, a config, or a model made by
            ``mmpretrain.get_model``.
        pretrained: Checkpoint. True: ``load_from`` of the config, or the
            weights that a given model has. False: weights as they are made,
            for tests.
        device: None takes a GPU where there is one.
        classes: Names to answer with; by default those in the checkpoint,
            the gallery or the tree.
        gallery: File of ``tools/test.py --gallery``, or what
            :meth:`mmc2f.Gallery.load` has read. One of other weights,
            another test pipeline or other classes is refused.
        rerank: Like ``rerank`` at the top of a config: ``'auto'`` or a file
            of ``tools/tune_rerank.py``, or a dict of arguments of
            :class:`mmc2f.ReRankPostProcessor`. By default what the config
            says.
        cascade: Cut regions and search the gallery only for images whose best
            probability by the global pass is below it; an answer then has
            ``went_on``. ``'auto'`` or a file: what ``tools/tune_rerank.py``
            has chosen. None: for all images.
        **kwargs: Values for the model's config.

    Raises:
        FileNotFoundError: There is no such config, checkpoint or gallery.
        ValueError: There are no weights, they or the gallery do not fit, or
            the model cannot be re-ranked. In answering: the test pipeline
            does not tell where its input was cut from, see
            :class:`mmc2f.structures.input_geometry.InputGeometry`.
    """

    visualize_kwargs: set = set()  # noqa: RUF012
    postprocess_kwargs: set = {'topn', 'num_neighbours'}  # noqa: RUF012

    def __init__(
        self,
        model: str | os.PathLike | Config | BaseModel,
        pretrained: str | os.PathLike | bool = True,
        device: str | torch.device | None = None,
        classes: Sequence[str] | None = None,
        gallery: str | os.PathLike | Gallery | None = None,
        rerank: str | Mapping[str, Any] | None = None,
        cascade: float | str | os.PathLike | None = None,
        **kwargs: Any,
    ) -> None:
        model, checkpoint = load_model(model, pretrained, **kwargs)
        if device is None:
            device = 'cuda' if torch.cuda.is_available() else 'cpu'
        super().__init__(model, pretrained=False, device=device)
        self.reranker: ReRanker | None = None
        if gallery is not None:
            self.reranker = make_reranker(model, gallery, checkpoint, rerank)
            model.attach_reranker(self.reranker)
        if cascade is not None:
            end_early(model, cascade, checkpoint)
        self.tree = label_tree(model)
        self.classes = class_names(model, self.reranker, self.tree, classes)
        if self.reranker is not None:
            self.classes += self.reranker.gallery.added_classes

    def __call__(
        self,
        inputs: Any,
        return_datasamples: bool = False,
        batch_size: int = 1,
        **kwargs: Any,
    ) -> list:
        """Answer, see the class.

        Args:
            inputs: An image, or an iterable of images.
            return_datasamples: Give the model's data samples in place of
                dicts; an unreadable image is a dict with an ``error`` still.
            batch_size: Images that the model sees at a time.
            **kwargs: ``topn``, how many classes are listed, and
                ``num_neighbours``; both 5.

        Returns:
            One answer an image, in order.
        """
        answers = self.stream(inputs, return_datasamples, batch_size, **kwargs)
        return list(answers)

    def stream(
        self,
        inputs: Any,
        return_datasamples: bool = False,
        batch_size: int = 1,
        **kwargs: Any,
    ) -> Iterator:
        """Answer one image after the other, for more than memory holds.

        Only a batch is in memory, and an iterator is read no further than
        that. A bar shows the progress where standard error is a terminal.

        Args:
            inputs, return_datasamples, batch_size: As in a call.
            **kwargs: Likewise.

        Raises:
            ValueError: An option is unknown, or no image is in a batch.
        """
        *_, options = self._dispatch_kwargs(**kwargs)
        if batch_size < 1:
            raise ValueError(f'batch_size is at least 1, got {batch_size}')
        images = find_images(inputs)
        total = len(images) if isinstance(images, list) else None
        answers = self._answers(
            images, return_datasamples, batch_size, options
        )
        return _with_bar(answers, total)

    def preprocess(
        self, inputs: Iterable[ImageInput], batch_size: int = 1
    ) -> Iterator[list[_Prepared]]:
        """Decode images and put them through the test pipeline, in batches.

        An image with which that fails becomes an entry with an error.
        """
        yield from self._get_chunk_data(map(self._prepare, inputs), batch_size)

    def postprocess(
        self,
        preds: Sequence,
        visualization: Any = None,
        return_datasamples: bool = False,
        topn: int = 5,
        num_neighbours: int = 5,
    ) -> list:
        """Data samples to the dicts of the class."""
        if return_datasamples:
            return list(preds)
        return [
            describe_answer(
                sample,
                self.classes,
                self.tree,
                self.reranker,
                topn,
                num_neighbours,
            )
            for sample in preds
        ]

    @staticmethod
    def list_models(pattern: str | None = None) -> list[str]:
        """Names of the shipped configs, all or those like ``'ccfr_*'``."""
        return fnmatch.filter(shipped_configs(), pattern or '*')

    def _init_pipeline(self, cfg: Config) -> Compose:
        """The test pipeline without what reads files or needs a label."""
        self._backend_args = None
        steps = []
        for step in copy.deepcopy(cfg.test_dataloader.dataset.pipeline):
            name = type_name(step)
            if name in LOADERS:
                self._backend_args = step.get('backend_args')
            elif name != NEEDS_LABEL:
                steps.append(step)
            if name == 'PackInputs':
                # Boxes are brought back by where the input was cut from.
                given = tuple(step.get('meta_keys') or ())
                kept = given + PackInputs.DEFAULT_META_KEYS
                step['meta_keys'] = tuple(dict.fromkeys(kept))
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            return Compose([HOST_TRANSFORMS.build(step) for step in steps])

    def _prepare(self, image: ImageInput) -> _Prepared:
        if image.error is not None:
            return _Prepared(image.name, error=image.error)
        try:
            pixels = read_image(image.content, self._backend_args)
            size = pixels.shape[:2]
            data = self.pipeline(
                dict(
                    img=pixels,
                    img_path=image.name,
                    img_shape=size,
                    ori_shape=size,
                )
            )
        # A broken file makes decoders raise errors of any type.
        except Exception as error:
            reason = ' '.join(str(error).split()) or type(error).__name__
            return _Prepared(
                image.name, error=f'{image.name} cannot be read: {reason}'
            )
        if data is None:
            return _Prepared(
                image.name, error=f'the test pipeline drops {image.name}'
            )
        return _Prepared(image.name, data)

    def _answers(
        self,
        images: Iterable[ImageInput],
        return_datasamples: bool,
        batch_size: int,
        options: Mapping[str, Any],
    ) -> Iterator:
        for chunk in self.preprocess(images, batch_size):
            for image, sample in zip(chunk, self._samples(chunk), strict=True):
                if sample is None:
                    yield {'image': image.name, 'error': image.error}
                else:
                    yield from self.postprocess(
                        [sample],
                        return_datasamples=return_datasamples,
                        **options,
                    )

    def _samples(self, chunk: Sequence[_Prepared]) -> list:
        """Predictions, in place; None for an image that cannot be read."""
        samples: list = [None] * len(chunk)
        places = [i for i, image in enumerate(chunk) if image.data is not None]
        # A pipeline need not bring images to one size.
        by_shape: dict[torch.Size | None, list[int]] = {}
        for i in places:
            by_shape.setdefault(chunk[i].shape, []).append(i)
        for same in by_shape.values():
            batch = default_collate([chunk[i].data for i in same])
            for i, sample in zip(same, self.forward(batch), strict=True):
                samples[i] = sample
        return samples


def _with_bar(answers: Iterable, total: int | None) -> Iterator:
    yield from track(
        answers,
        'Inference',
        total=total,
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
