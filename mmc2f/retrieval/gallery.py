import logging
import os
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from torch import Tensor

from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval.exact_index import ExactIndex
from mmc2f.retrieval.faiss_index import FaissIndex
from mmc2f.retrieval.gallery_checks import (
    check_embeddings,
    check_image_ids,
    check_labels,
    describe_fingerprint_difference,
    name_some,
)
from mmc2f.retrieval.gallery_file import (
    GalleryContent,
    read_gallery,
    write_gallery,
)
from mmc2f.retrieval.neighbours import Neighbours

__all__ = ['Gallery']


@TASK_UTILS.register_module()
class Gallery:
    """Embeddings of the train set, to be searched by cosine similarity.

    Filled once by :meth:`fill` (or :func:`build_gallery`), or read from a
    file by :meth:`load`. A class without an image is allowed: it is counted
    in :attr:`missing_classes`, named in a warning, and never retrieved, so
    only its softmax can speak for it.

    Args:
        index: ``None`` for exact search, a faiss index-factory string
            (``'Flat'``, ``'IVF64,Flat'``, ...), or the config of an index,
            for instance ``dict(type='mmc2f.FaissIndex', factory='HNSW32',
            params=dict(efSearch=64))``.
        chunk_size: Gallery rows that exact search compares at a time.

    Attributes:
        embeddings: L2-normalised, ``(N, D)`` float32.
        labels: Classes, ``(N,)`` int64.
        image_ids: A name for each image, N of them.
        fingerprint: Of the weights, pipeline and classes it was built with.
        num_classes: C.
        class_names: Names of the C classes, or ``None``.
    """

    def __init__(
        self,
        index: str | Mapping | None = None,
        chunk_size: int = 8192,
    ) -> None:
        self._index = _build_index(index, chunk_size)
        self.embeddings = torch.empty(0, 0)
        self.labels = torch.empty(0, dtype=torch.long)
        self.image_ids: list[str] = []
        self.fingerprint: dict[str, str] = {}
        self.num_classes = 0
        self.class_names: list[str] | None = None

    def __len__(self) -> int:
        return len(self.embeddings)

    @property
    def missing_classes(self) -> list[int]:
        """Classes without a gallery image, ascending."""
        counts = self.labels.bincount(minlength=self.num_classes)
        return (counts == 0).nonzero().flatten().tolist()

    def fill(
        self,
        embeddings: Tensor,
        labels: Tensor,
        image_ids: Sequence[str],
        fingerprint: Mapping[str, str],
        num_classes: int | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        """Replace the content, and build the index.

        Args:
            embeddings: ``(N, D)``, normalised here.
            labels: ``(N,)``.
            image_ids: N names.
            fingerprint: See :func:`mmc2f.retrieval.fingerprint`.
            num_classes: C; by default that of ``class_names``, else the
                highest label + 1.
            class_names: C names.

        Raises:
            ValueError: There is no image, an embedding is not finite, or the
                arguments do not fit each other.
        """
        image_ids = [str(image_id) for image_id in image_ids]
        check_image_ids(embeddings, labels, image_ids)
        check_embeddings(embeddings, image_ids)
        if num_classes is None:
            num_classes = len(class_names or ()) or int(labels.max()) + 1
        check_labels(labels, image_ids, num_classes, class_names)
        self._set(
            GalleryContent(
                F.normalize(embeddings.detach().float()).cpu(),
                labels.detach().long().cpu(),
                image_ids,
                dict(fingerprint),
                num_classes,
                None if class_names is None else list(class_names),
            )
        )

    def search(self, queries: Tensor, topm: int) -> Neighbours:
        """Find the most similar gallery images, rank(q, X, topm) of Eq. (9).

        Args:
            queries: Embeddings ``(B, D)``; need not be normalised.
            topm: How many neighbours; clamped to N.

        Returns:
            Neighbours ``(B, min(topm, N))``, nearest first, equally near
            ones by gallery row, on the device of the queries.

        Raises:
            RuntimeError: The gallery is empty.
            ValueError: ``topm`` < 1, or the queries have another dimension
                or are not finite.
        """
        if not len(self):
            raise RuntimeError(
                'The gallery is empty: fill or load it before a search.'
            )
        if topm < 1:
            raise ValueError(f'topm must be at least 1, got {topm}.')
        dims = self.embeddings.shape[1]
        if queries.dim() != 2 or queries.shape[1] != dims:
            raise ValueError(
                f'The gallery holds embeddings of {dims} dimensions, so '
                f'queries must be (B, {dims}), got {tuple(queries.shape)}.'
            )
        check_embeddings(queries, [f'query {b}' for b in range(len(queries))])
        if not len(queries):
            empty = queries.new_empty(0, min(topm, len(self)))
            return Neighbours(empty.float(), empty.long(), empty.long())
        similarities, indices = self._index.search(
            F.normalize(queries.detach().float()), min(topm, len(self))
        )
        labels = self.labels.to(indices.device)[indices.clamp(min=0)]
        return Neighbours(
            similarities, labels.masked_fill(indices < 0, -1), indices
        )

    def save(self, path: str | os.PathLike) -> None:
        """Write a safetensors file; the index is not kept but rebuilt.

        Raises:
            RuntimeError: The gallery is empty.
        """
        if not len(self):
            raise RuntimeError(
                'The gallery is empty: there is nothing to save.'
            )
        write_gallery(
            path,
            GalleryContent(
                self.embeddings,
                self.labels,
                self.image_ids,
                self.fingerprint,
                self.num_classes,
                self.class_names,
            ),
        )

    @classmethod
    def load(
        cls,
        path: str | os.PathLike,
        expected_fingerprint: Mapping[str, str] | None = None,
        **kwargs,
    ) -> 'Gallery':
        """Read a file written by :meth:`save`.

        Args:
            path: The file.
            expected_fingerprint: Checked as in :meth:`check` when given.
            **kwargs: Arguments of the class.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is not a gallery, or does not fit.
        """
        gallery = cls(**kwargs)
        content = read_gallery(path)
        if expected_fingerprint is not None:
            _check_fingerprint(
                content.fingerprint, expected_fingerprint, f'Gallery {path}'
            )
        gallery._set(content)
        return gallery

    def check(self, fingerprint: Mapping[str, str]) -> None:
        """Make sure that the gallery was built with this model.

        Raises:
            ValueError: Weights, pipeline or classes differ; it says which.
        """
        _check_fingerprint(self.fingerprint, fingerprint, 'The gallery')

    def _set(self, content: GalleryContent) -> None:
        self._index.build(content.embeddings)
        self.embeddings = content.embeddings
        self.labels = content.labels
        self.image_ids = content.image_ids
        self.fingerprint = content.fingerprint
        self.num_classes = content.num_classes
        self.class_names = content.class_names
        self._warn_of_missing_classes()

    def _warn_of_missing_classes(self) -> None:
        missing = self.missing_classes
        if missing:
            names = self.class_names or range(self.num_classes)
            print_log(
                f'{len(missing)} of {self.num_classes} classes have no '
                'gallery image, so retrieval cannot speak for them: '
                f'{name_some(names[c] for c in missing)}.',
                logger='current',
                level=logging.WARNING,
            )


def _build_index(
    index: str | Mapping | None, chunk_size: int
) -> ExactIndex | FaissIndex:
    if index is None:
        return ExactIndex(chunk_size)
    if isinstance(index, str):
        return FaissIndex(index)
    return TASK_UTILS.build(dict(index))


def _check_fingerprint(
    actual: Mapping[str, str], expected: Mapping[str, str], what: str
) -> None:
    difference = describe_fingerprint_difference(actual, expected)
    if difference:
        raise ValueError(
            f'{what} does not fit this model: {difference}. Build it anew '
            'by leaving --gallery out, or use the model it was built with.'
        )
