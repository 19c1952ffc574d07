"""The gallery that a file is of, by the config that says how to search it."""

import os
from collections.abc import Mapping
from typing import Any

from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval.gallery import Gallery
from mmc2f.retrieval.milvus_gallery import MilvusGallery, read_head

__all__ = ['load_gallery']

# Of a gallery of another kind, these hold for one in Milvus too.
_SHARED = ('whiten', 'split_parts')


def load_gallery(
    path: str | os.PathLike,
    expected_fingerprint: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> Gallery:
    """Load a file of :meth:`Gallery.save`, whichever class wrote it.

    Args:
        path: The file.
        expected_fingerprint: Checked when given, see :meth:`Gallery.check`.
        config: ``type`` and arguments of the gallery. A file that says that
            its rows are in Milvus is a :class:`MilvusGallery` in any case.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, or does not fit.
    """
    options = dict(config or {})
    kind = options.pop('type', None) or Gallery
    loader: Any = kind if isinstance(kind, type) else TASK_UTILS.get(kind)
    if not issubclass(loader, MilvusGallery) and read_head(path) is not None:
        loader = MilvusGallery
        options = {k: v for k, v in options.items() if k in _SHARED}
    return loader.load(path, expected_fingerprint, **options)
