"""A gallery whose rows are in Milvus."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval.gallery import Gallery
from mmc2f.retrieval.gallery_checks import check_is_filled
from mmc2f.retrieval.gallery_content import GalleryContent
from mmc2f.retrieval.gallery_file import read_gallery
from mmc2f.retrieval.gallery_head import head_content, read_head, write_head
from mmc2f.retrieval.image_ids import hash_images
from mmc2f.retrieval.milvus_rows import MilvusRows, Rows

__all__ = ['KIND', 'MilvusGallery']

#: Of the file that names a collection.
KIND = 'mmc2f.milvus_gallery'
_ROWS = ('uri', 'collection', 'index_type', 'index_params', 'search_params')


@TASK_UTILS.register_module()
class MilvusGallery(Gallery):
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
        embeddings: On PyTorch's meta device: their shape, not their values.
        image_ids: A sequence that asks Milvus.

    Raises:
        ImportError: pymilvus is not installed.
        ConnectionError: Nothing answers at the address.
    """

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
        write_head(path, KIND, self._content(), tensors, metadata)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike,
        expected_fingerprint: Mapping[str, str] | None = None,
        **kwargs,
    ) -> 'MilvusGallery':
        """Read a file of :meth:`save`, or one of a plain gallery.

        Args:
            path: The file.
            expected_fingerprint: Checked as in :meth:`check` when given.
            **kwargs: Arguments of the class. Where the rows are is as the
                file says, unless they say otherwise.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file or the collection is damaged, does not fit,
                or is something else.
        """
        head = read_head(path, KIND)
        if head is None:
            gallery = cls(**kwargs)
            content = read_gallery(path)
        else:
            tensors, metadata = head
            kept = {name: json.loads(metadata[name]) for name in _ROWS}
            gallery = cls(**{**kept, **kwargs})
            content = head_content(tensors, metadata, tensors['means'])
        if expected_fingerprint is not None:
            content.check_made_by(
                expected_fingerprint, gallery.whiten, f'Gallery {path}'
            )
        if head is None:
            gallery._set(content)
        else:
            gallery._open(content, tensors, metadata)
        return gallery

    def add(self, *args, **kwargs) -> None:
        """Refused, see :meth:`remove`."""
        self.remove()

    def remove(self, *args, **kwargs) -> None:
        """Refused: the rows of a collection are those of its digest.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            'A gallery in Milvus is not edited: edit the plain gallery and '
            'load its file with MilvusGallery, which writes it anew.'
        )

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

    def _open(
        self,
        content: GalleryContent,
        tensors: Mapping[str, Tensor],
        metadata: Mapping[str, str],
    ) -> None:
        means = replace(
            content,
            embeddings=tensors['means'],
            labels=tensors['mean_labels'],
            image_ids=[
                str((content.class_names or range(content.num_classes))[c])
                for c in tensors['mean_labels'].tolist()
            ],
        )
        dims = tensors['means'].shape[1]
        self._rows.open(metadata['rows'], content.labels, dims, self.verify)
        self._keep(content, means)

    def _keep(
        self,
        content: GalleryContent,
        means: GalleryContent,
        warns: bool = True,
    ) -> None:
        """Have all but the rows in memory."""
        shape = len(content.labels), means.embeddings.shape[1]
        embeddings = means.embeddings.new_empty(shape, device='meta')
        super()._set(replace(content, embeddings=embeddings), warns)
        # As good as a list to whoever reads it.
        self.image_ids = self._rows  # type: ignore[assignment]
        self._prototypes = Gallery()
        self._prototypes._set(means, warns=False)


def _absolute(uri: str) -> str:
    """A file's path that holds in other folders; an address as it is."""
    return uri if '://' in uri else os.path.abspath(uri)
