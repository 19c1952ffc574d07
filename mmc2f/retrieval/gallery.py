import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from mmc2f.arguments import check_whole
from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval.gallery_checks import (
    check_embeddings,
    check_image_ids,
    check_is_filled,
    check_labels,
    check_queries,
    warn_of_missing_classes,
)
from mmc2f.retrieval.gallery_content import GalleryContent, with_whitening
from mmc2f.retrieval.gallery_edits import with_images, without_images
from mmc2f.retrieval.gallery_file import read_gallery, write_gallery
from mmc2f.retrieval.neighbours import Neighbours
from mmc2f.retrieval.rerank import NO_NEIGHBOUR
from mmc2f.retrieval.sharded_index import build_index
from mmc2f.retrieval.whitening import (
    Whitening,
    fit_whitening,
    normalize_parts,
    parse_whiten,
)

__all__ = ['Gallery']

FIELDS = [field.name for field in fields(GalleryContent)]


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
        whiten: ``'lda'`` or ``'pca'`` fits a whitening on the gallery
            images when it is filled, see :func:`fit_whitening`; similarities
            are then cosines of whitened embeddings. ``'lda:0.6'`` says how
            much the covariance is shrunk, ``'sqrt+lda'`` whitens signed
            roots. ``None`` compares embeddings as they are.
        split_parts: Whether each part of an embedding (global and local, see
            ``parts`` of :meth:`fill`) is scaled to unit length by itself.
            ``None``: only with a whitening.

    Attributes:
        embeddings: As they are compared: whitened, L2-normalised, ``(N, D)``
            float32.
        labels: Classes, ``(N,)`` int64.
        image_ids: A name for each image, N of them.
        fingerprint: Of the weights, pipeline, classes and training images
            it was built with; of a whitened gallery also ``'whiten'``.
        num_classes: C.
        class_names: Names of the C classes, or ``None``.
        parts: Lengths of the parts that are scaled, or ``None``.
        whitening: The fitted whitening, or ``None``.
        num_added: K, how many of the classes, the last ones, were added by
            :meth:`add` and are unknown to the model.

    Raises:
        ValueError: ``whiten`` is unknown.
    """

    # Whether the processes of a group hold, search and save it together.
    is_shared = False

    def __init__(
        self,
        index: str | Mapping | None = None,
        chunk_size: int = 8192,
        whiten: str | None = None,
        split_parts: bool | None = None,
    ) -> None:
        if whiten is not None:
            parse_whiten(whiten)
        self.whiten = whiten
        self._splits_parts = bool(
            whiten if split_parts is None else split_parts
        )
        self._index: Any = build_index(index, chunk_size)
        self.embeddings = torch.empty(0, 0)
        self.labels = torch.empty(0, dtype=torch.long)
        self.image_ids: list[str] = []
        self.fingerprint: dict[str, str] = {}
        self.num_classes = 0
        self.class_names: list[str] | None = None
        self.parts: tuple[int, ...] | None = None
        self.whitening: Whitening | None = None
        self.num_added = 0
        self._prototypes: Gallery | None = None

    def __len__(self) -> int:
        return len(self.embeddings)

    @property
    def missing_classes(self) -> list[int]:
        """Classes without a gallery image, ascending."""
        return self._content().missing_classes

    @property
    def model_classes(self) -> list[str] | None:
        """Names of the classes that the model knows, C - K of them."""
        known = self.num_classes - self.num_added
        return self.class_names and self.class_names[:known]

    @property
    def added_classes(self) -> list[str]:
        """Names of the K classes that only the gallery knows."""
        first = self.num_classes - self.num_added
        return (self.class_names or [])[first:]

    def fill(
        self,
        embeddings: Tensor,
        labels: Tensor,
        image_ids: Sequence[str],
        fingerprint: Mapping[str, str],
        num_classes: int | None = None,
        class_names: Sequence[str] | None = None,
        parts: Sequence[int] | None = None,
    ) -> None:
        """Replace the content, fit the whitening, and build the index.

        Args:
            embeddings: ``(N, D)``, normalised here.
            labels: ``(N,)``.
            image_ids: N names.
            fingerprint: See :func:`mmc2f.retrieval.fingerprint`.
            num_classes: C; by default that of ``class_names``, else the
                highest label + 1.
            class_names: C names.
            parts: Lengths of the parts that an embedding consists of.

        Raises:
            ValueError: There is no image, an embedding is not finite, the
                arguments do not fit each other, or the whitening cannot be
                fitted.
        """
        image_ids = [str(image_id) for image_id in image_ids]
        check_image_ids(embeddings, labels, image_ids)
        check_embeddings(embeddings, image_ids)
        if num_classes is None:
            num_classes = len(class_names or ()) or int(labels.max()) + 1
        check_labels(labels, image_ids, num_classes, class_names)
        labels = labels.detach().long().cpu()
        parts = tuple(parts) if parts and self._splits_parts else None
        rows = embeddings.detach().float()
        rows = normalize_parts(rows, parts, self.whiten).cpu()
        whitening = None
        if self.whiten is not None:
            whitening = fit_whitening(rows, labels, self.whiten)
            rows = whitening(rows)
        self._set(
            GalleryContent(
                rows,
                labels,
                image_ids,
                with_whitening(fingerprint, self.whiten),
                num_classes,
                None if class_names is None else list(class_names),
                parts,
                whitening,
            )
        )

    def add(
        self,
        embeddings: Tensor,
        image_ids: Sequence[str],
        class_name: str,
        is_new: bool = False,
    ) -> None:
        """Add images of a class; a whitening stays as it was fitted.

        Embeddings ``(N, D)`` are of the model that made the gallery. For the
        rest, and errors, which leave it as it was, see :func:`with_images`.
        """
        check_queries(embeddings, self.embeddings)
        rows = self.transform(embeddings)
        self._set(
            with_images(self._content(), rows, image_ids, class_name, is_new)
        )

    def remove(
        self, image_ids: Sequence[str] = (), class_names: Sequence[str] = ()
    ) -> None:
        """Remove images and classes, see :func:`without_images`."""
        self._set(without_images(self._content(), image_ids, class_names))

    def transform(self, embeddings: Tensor) -> Tensor:
        """Embeddings ``(B, D)`` of a model, as the gallery compares them."""
        rows = embeddings.detach().float()
        rows = normalize_parts(rows, self.parts, self.whiten)
        if self.whitening is None:
            return rows
        if self.whitening.mean.device != rows.device:
            self.whitening = self.whitening.to(rows.device)
        return self.whitening(rows)

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
            ValueError: ``topm`` is no number from 1 on, or the queries have
                another dimension or are not finite.
        """
        check_queries(queries, self.embeddings)
        check_whole('topm', topm)
        if not len(queries):
            empty = queries.new_empty(0, min(topm, len(self)))
            return Neighbours(empty.float(), empty.long(), empty.long())
        similarities, indices = self._index.search(
            self.transform(queries), min(topm, len(self))
        )
        labels = self.labels.to(indices.device)[indices.clamp(min=0)]
        return Neighbours(
            similarities, labels.masked_fill(indices < 0, -1), indices
        )

    def prototypes(self) -> 'Gallery':
        """The class means as a gallery: one row for each class with images.

        A row is the mean of the rows of its class, scaled to unit length;
        its image id is the name of the class, else its number. Queries are
        whitened as here. Made once.

        Raises:
            RuntimeError: The gallery is empty.
        """
        if self._prototypes is None:
            check_is_filled(self.embeddings)
            self._prototypes = Gallery()
            # Classes without an image are known from here.
            self._prototypes._set(self._content().prototypes(), warns=False)
        return self._prototypes

    def class_similarities(self, queries: Tensor) -> Tensor:
        """Cosine similarity of each query to each class mean.

        Args:
            queries: ``(B, D)``; need not be normalised.

        Returns:
            ``(B, C)`` float32 on the device of the queries;
            ``NO_NEIGHBOUR`` (-2) for a class without a gallery image.

        Raises:
            RuntimeError, ValueError: As in :meth:`search`.
        """
        check_queries(queries, self.embeddings)
        prototypes = self.prototypes()
        rows = prototypes.embeddings.to(queries.device)
        with torch.autocast(queries.device.type, enabled=False):
            cosines = self.transform(queries) @ rows.T
        similarities = cosines.new_full(
            (len(queries), self.num_classes), NO_NEIGHBOUR
        )
        similarities[:, prototypes.labels.to(queries.device)] = cosines
        return similarities

    def save(self, path: str | os.PathLike) -> None:
        """Write a safetensors file; the index is not kept but rebuilt.

        Raises:
            RuntimeError: The gallery is empty.
        """
        check_is_filled(self.embeddings)
        write_gallery(path, self._content())

    @classmethod
    def load(
        cls,
        path: str | os.PathLike,
        expected_fingerprint: Mapping[str, str] | None = None,
        **kwargs,
    ) -> 'Gallery':
        """Read a file written by :meth:`save`, and check all that it holds.

        Args:
            path: The file.
            expected_fingerprint: Checked as in :meth:`check` when given;
                ``whiten`` must then be that of the file.
            **kwargs: Arguments of the class. Whitening and parts are those
                of the file.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is not a gallery, or does not fit, or holds
                what :meth:`save` would not have written.
        """
        gallery = cls(**kwargs)
        content = read_gallery(path)
        if expected_fingerprint is not None:
            content.check_made_by(
                expected_fingerprint, gallery.whiten, f'Gallery {path}'
            )
        gallery._set(content)
        return gallery

    def check(self, fingerprint: Mapping[str, str]) -> None:
        """Make sure that the gallery was built with this model.

        Raises:
            ValueError: Weights, pipeline, classes or training images differ;
                it says which.
        """
        self._content().check_made_by(fingerprint, self.whiten, 'The gallery')

    def _set(self, content: GalleryContent, warns: bool = True) -> None:
        self._index.build(content.embeddings)
        for name in FIELDS:
            setattr(self, name, getattr(content, name))
        whitening = content.whitening
        self.whiten = None if whitening is None else whitening.kind
        self._prototypes = None
        if warns:
            warn_of_missing_classes(
                self.missing_classes, self.num_classes, self.class_names
            )

    def _content(self) -> GalleryContent:
        return GalleryContent(**{n: getattr(self, n) for n in FIELDS})
