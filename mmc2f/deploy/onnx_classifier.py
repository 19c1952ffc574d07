"""Answers from an exported model, with neither torch nor the host."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from mmc2f.decode_image import decode_image
from mmc2f.deploy.image_steps import apply_steps, boxes_in_original

if TYPE_CHECKING:
    from mmc2f.retrieval import Gallery, ReRanker

__all__ = ['OnnxClassifier']

FORMAT = 'mmc2f.onnx.1'
INPUT = 'images'


class OnnxClassifier:
    """Classifies images by a file of ``mmc2f export``. ::

        classify = OnnxClassifier('model.onnx')
        for answer in classify(['a.jpg', 'b.jpg'], batch_size=2):
            print(answer['image'], answer['pred_class'])

    Answers are those of :class:`mmc2f.C2FInferencer` as far as they go:
    ``image``, ``pred_label``, ``pred_class``, ``pred_score``,
    ``coarse_label``, ``coarse_class``, ``coarse_score``, ``coarse``; of CCFR
    ``boxes`` in pixels of the original image; of a hierarchical head
    ``levels``; with a gallery ``reranked`` and ``neighbours``. Only a gallery
    makes it import torch, by which it is searched.

    Args:
        path: The file.
        gallery: File of ``tools/test.py --gallery``, or what
            :meth:`mmc2f.Gallery.load` has read.
        rerank: Arguments of :class:`mmc2f.ReRankPostProcessor`; by default
            what was exported with the model.
        threads: That ONNX Runtime computes with; None: all cores.
        providers: Of ONNX Runtime.

    Attributes:
        classes: Names of the classes.
        input_size: (H, W) of the network's input.
        facts: All that the file says of itself.

    Raises:
        ImportError: ONNX Runtime is not installed.
        FileNotFoundError: There is no such file.
        ValueError: The file is none of ours, or the gallery is of another
            model.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        gallery: 'str | os.PathLike | Gallery | None' = None,
        rerank: Mapping[str, Any] | None = None,
        threads: int | None = None,
        providers: Sequence[str] = ('CPUExecutionProvider',),
    ) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(
                'exported models run by ONNX Runtime; run: '
                'pip install onnxruntime'
            ) from error
        if not os.path.isfile(path):
            raise FileNotFoundError(f'there is no model {os.fspath(path)!r}')
        options = onnxruntime.SessionOptions()
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                os.fspath(path), options, providers=list(providers)
            )
        # Of types that the package does not name.
        except Exception as error:
            reason = ' '.join(str(error).split())
            raise ValueError(
                f'{os.fspath(path)} cannot be run: {reason}'
            ) from error
        self.facts = self._read_facts(path)
        self.classes: list[str] = self.facts['classes']
        height, width = self.facts['input_size']
        self.input_size: tuple[int, int] = (height, width)
        self._names = [out.name for out in self._session.get_outputs()]
        self.reranker: ReRanker | None = None
        if gallery is not None:
            self.reranker = _reranker(self.facts, gallery, rerank)
            self.classes += self.reranker.gallery.added_classes

    def __call__(
        self, images: Any, batch_size: int = 1, topn: int = 5
    ) -> list[dict[str, Any]]:
        """Answer images: paths, bytes of files, or arrays.

        Args:
            images: One, or an iterable of them; arrays are ``(H, W, 3)``
                uint8 in the order B, G, R.
            batch_size: Images that the model sees at a time.
            topn: How many classes are listed.

        Raises:
            OSError: There is no such file.
            ValueError: An array is none of these, or an image is not of the
                network's size and the pipeline does not resize.
        """
        return list(self.stream(images, batch_size, topn))

    def stream(
        self, images: Any, batch_size: int = 1, topn: int = 5
    ) -> Iterator[dict[str, Any]]:
        """One answer after the other; only a batch is in memory."""
        if isinstance(images, str | bytes | os.PathLike | np.ndarray):
            images = [images]
        if batch_size < 1:
            raise ValueError(f'batch_size is at least 1, got {batch_size}')
        rest = enumerate(images)
        while batch := list(islice(rest, batch_size)):
            yield from self._answers(batch, topn)

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The graph alone.

        Args:
            images: ``(B, 3, H, W)`` uint8 in the order R, G, B, of
                :attr:`input_size`.

        Returns:
            The outputs by name, see
            :func:`mmc2f.deploy.export_onnx.export_onnx`.

        Raises:
            ValueError: Another type or shape.
        """
        wanted = (3, *self.input_size)
        if images.dtype != np.uint8 or images.shape[1:] != wanted:
            raise ValueError(
                f'the model takes (B, {", ".join(map(str, wanted))}) of '
                f'uint8, got {images.shape} of {images.dtype}'
            )
        found = self._session.run(self._names, {INPUT: images})
        return dict(zip(self._names, found, strict=True))

    def _read_facts(self, path: str | os.PathLike) -> dict[str, Any]:
        texts = self._session.get_modelmeta().custom_metadata_map
        if texts.get('format') != json.dumps(FORMAT):
            raise ValueError(f'{os.fspath(path)} was not made by mmc2f export')
        return {name: json.loads(text) for name, text in texts.items()}

    def _answers(
        self, batch: Sequence[tuple[int, Any]], topn: int
    ) -> Iterator[dict[str, Any]]:
        prepared = [self._prepare(image) for _, image in batch]
        out = self.run(np.stack([p[0] for p in prepared]))
        result = None
        if self.reranker is not None:
            result = _rerank(self.reranker, out)
        for i, (place, image) in enumerate(batch):
            coarse = out['coarse'][i]
            scores = coarse if result is None else result['scores'][i]
            # Of classes that only the gallery has.
            padded = np.pad(coarse, (0, len(scores) - len(coarse)))
            path = isinstance(image, str | os.PathLike)
            answer = {
                'image': os.fspath(image) if path else f'image {place}',
                **self._best(scores, 'pred'),
                **self._best(padded, 'coarse'),
                'coarse': self._listed(padded, topn, 'probability'),
            }
            if result is not None:
                answer['reranked'] = self._listed(scores, topn, 'score')
                answer['neighbours'] = self._neighbours(result, i, topn)
            if 'level_1' in out:
                answer['levels'] = self._levels(out, i)
            if 'boxes' in out:
                answer['boxes'] = self._boxes(
                    out, i, answer['pred_score'], *prepared[i][1:]
                )
            yield answer

    def _prepare(
        self, image: Any
    ) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
        """Network input, its geometry, and (H, W) of the original."""
        if isinstance(image, str | os.PathLike):
            with open(image, 'rb') as file:
                image = file.read()
        if isinstance(image, bytes):
            image = decode_image(image)
        is_image = getattr(image, 'ndim', 0) == 3 and image.shape[2] == 3
        if not is_image or image.dtype != np.uint8:
            raise ValueError(
                'an image is a path, the bytes of a file, or an array '
                '(H, W, 3) of uint8 in the order B, G, R'
            )
        pixels, geometry = apply_steps(image, self.facts['steps'])
        if pixels.shape[:2] != self.input_size:
            raise ValueError(
                f'the model was exported for images of {self.input_size}, '
                f'got {pixels.shape[:2]} (height, width)'
            )
        rgb = np.ascontiguousarray(pixels[:, :, ::-1].transpose(2, 0, 1))
        return rgb, geometry, image.shape[:2]

    def _best(self, scores: np.ndarray, prefix: str) -> dict[str, Any]:
        label = int(scores.argmax())
        return {
            f'{prefix}_label': label,
            f'{prefix}_class': self.classes[label],
            f'{prefix}_score': float(scores[label]),
        }

    def _listed(
        self, scores: np.ndarray, topn: int, key: str
    ) -> list[dict[str, Any]]:
        order = np.argsort(-scores, kind='stable')[:topn]
        return [
            {'class': self.classes[i], key: float(scores[i])} for i in order
        ]

    def _neighbours(
        self, result: Mapping[str, Any], row: int, count: int
    ) -> list[dict[str, Any]]:
        assert self.reranker is not None
        ids = self.reranker.gallery.image_ids
        columns = (
            result[name][row][:count].tolist()
            for name in ('indices', 'labels', 'similarities')
        )
        return [
            {
                'image': ids[index],
                'class': self.classes[label],
                'similarity': similarity,
            }
            for index, label, similarity in zip(*columns, strict=True)
            if index >= 0
        ]

    def _levels(
        self, out: Mapping[str, np.ndarray], row: int
    ) -> list[dict[str, Any]]:
        answers = []
        for number, level in enumerate(self.facts['levels']):
            name = f'level_{number}' if number else 'coarse'
            scores = out[name][row]
            names = level['classes'] if number else self.classes
            best = int(scores.argmax())
            answers.append(
                {
                    'level': level['name'],
                    'class': names[best],
                    'probability': float(scores[best]),
                }
            )
        return answers

    def _boxes(
        self,
        out: Mapping[str, np.ndarray],
        row: int,
        class_score: float,
        geometry: np.ndarray,
        size: tuple[int, int],
    ) -> list[dict[str, Any]]:
        boxes = boxes_in_original(out['boxes'][row], geometry, size)
        scores = class_score / (1 + np.exp(-out['box_scores'][row]))
        columns = (boxes.tolist(), scores.tolist(), self.facts['box_scales'])
        return [
            {'box': box, 'score': score, 'scale': scale}
            for box, score, scale in zip(*columns, strict=True)
        ]


def _reranker(
    facts: Mapping[str, Any],
    gallery: 'str | os.PathLike | Gallery',
    rerank: Mapping[str, Any] | None,
) -> 'ReRanker':
    from mmc2f.retrieval import ReRanker, ReRankPostProcessor, load_gallery

    rule = dict(facts['rerank'] if rerank is None else rerank)
    rule.pop('type', None)
    if isinstance(gallery, str | os.PathLike):
        gallery = load_gallery(gallery, facts['made_by'], facts['gallery'])
    else:
        gallery.check(facts['made_by'])
    return ReRanker(ReRankPostProcessor(**rule), gallery)


def _rerank(
    reranker: 'ReRanker', out: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    import torch

    result = reranker(
        torch.from_numpy(out['coarse']), torch.from_numpy(out['embedding'])
    )
    found = result.neighbours
    return {
        'scores': result.scores.numpy(),
        'indices': found.indices.numpy(),
        'labels': found.labels.numpy(),
        'similarities': found.similarities.numpy(),
    }
