"""A gallery whose rows are in Milvus."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval.gallery_checks import check_is_filled
from mmc2f.retrieval.gallery_content import GalleryContent
from mmc2f.retrieval.gallery_head import head_content, write_head
from mmc2f.retrieval.headed_gallery import HeadedGallery
from mmc2f.retrieval.image_ids import hash_images
from mmc2f.retrieval.milvus_rows import MilvusRows, Rows

__all__ = ['MilvusGallery']

_ROWS = ('uri', 'collection', 'index_type', 'index_params', 'search_params')


@TASK_UTILS.register_module()
class MilvusGallery(HeadedGallery):
    """A :class:`Gallery` that keeps and searches its rows in Milvus.

    Filling it writes a collection of embeddings, labels and image ids,
    unless the same one is there. :meth:`save` writes a small file with the
    rest: fingerprint, classes, labels, class means, whitening, the digest of
    the rows and where they are; ``--gallery`` takes it as it takes a gallery
    file. :meth:`load` takes such a file, or that of a plain gallery, whose
    rows it brings into Milvus.

    With ``index_type='FLAT'`` neighbours are those of exact search, and
    equally near ones come in the order of their rows, if no more than 16,384
    are equally near. File names that are no UTF-8 are escaped.

    Args:
        uri, collection, index_type, index_params, search_params, token: See
            :class:`mmc2f.retrieval.milvus_rows.MilvusRows`.
        verify: Read all rows when a file is loaded, and check that they are
            what was written. ``False`` counts them only, for a server that
            is trusted with more rows than that takes time for.
        whiten, split_parts: As for :class:`Gallery`.

    Attributes:
        image_ids: A sequence that asks Milvus.

    Raises:
        ImportError: pymilvus is not installed.
        ConnectionError: Nothing answers at the address.
    """

    kind = 'mmc2f.milvus_gallery'

    def __init__(
        self,
        uri: str = 'gallery.db',
        collection: str = 'gallery',
        index_type: str = 'FLAT',
        index_params: Mapping[str, Any] | None = None,
        search_params: Mapping[str, Any] | None = None,
        token: str = '',
        verify: bool = True,
        whiten: str | None = None,
        split_parts: bool | None = None,
    ) -> None:
        super().__init__(whiten=whiten, split_parts=split_parts)
        self.verify = verify
        self._rows = MilvusRows(
            _absolute(uri),
            collection,
            index_type,
            index_params,
            search_params,
            token,
        )
        self._index = self._rows

    def save(self, path: str | os.PathLike) -> None:
        """Write what is not in Milvus, and where the rest is.

        Raises:
            RuntimeError: The gallery is empty.
        """
        check_is_filled(self.embeddings)
        means = self.prototypes()
        metadata = {'rows': self._rows.digest}
        for name in _ROWS:
            metadata[name] = json.dumps(getattr(self._rows, name))
        tensors = {'means': means.embeddings, 'mean_labels': means.labels}
        write_head(path, self.kind, self._content(), tensors, metadata)

    def close(self) -> None:
        """Leave Milvus, as a second process that opens the file demands."""
        self._rows.close()

    def _set(self, content: GalleryContent, warns: bool = True) -> None:
        names, labels = list(content.image_ids), content.labels
        # The ids will not be at hand to be compared later.
        made_by = {'images': hash_images(names, labels.tolist())}
        content = replace(
            content, fingerprint={**made_by, **content.fingerprint}
        )
        rows = Rows(content.embeddings, labels, names)
        self._rows.write(rows)
        self._keep(content, content.prototypes(), warns)

    @classmethod
    def _arguments(cls, metadata: Mapping[str, str]) -> dict[str, Any]:
        return {name: json.loads(metadata[name]) for name in _ROWS}

    def _read(
        self,
        path: Path,
        tensors: Mapping[str, Tensor],
        metadata: Mapping[str, str],
    ) -> tuple[GalleryContent, Callable[[], None]]:
        content = head_content(tensors, metadata, tensors['means'])
        return content, lambda: self._open(content, tensors, metadata['rows'])

    def _open(
        self,
        content: GalleryContent,
        tensors: Mapping[str, Tensor],
        digest: str,
    ) -> None:
        labels = tensors['mean_labels']
        names = content.class_names or range(content.num_classes)
        means = replace(
            content,
            labels=labels,
            image_ids=[str(names[c]) for c in labels.tolist()],
        )
        dims = means.embeddings.shape[1]
        self._rows.open(digest, content.labels, dims, self.verify)
        self._keep(content, means)

    def _keep(
        self,
        content: GalleryContent,
        means: GalleryContent,
        warns: bool = True,
    ) -> None:
        super()._keep(content, means, warns)
        # As good as a list to whoever reads it.
        self.image_ids = self._rows  # type: ignore[assignment]


def _absolute(uri: str) -> str:
    """A file's path that holds in other folders; an address as it is."""
    return uri if '://' in uri else os.path.abspath(uri)
