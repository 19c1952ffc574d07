"""The gallery that a file is of, by the config that says how to search it."""

import os
from collections.abc import Mapping
from typing import Any

from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval.gallery import Gallery
from mmc2f.retrieval.gallery_head import head_kind
from mmc2f.retrieval.milvus_gallery import MilvusGallery
from mmc2f.retrieval.sharded_gallery import ShardedGallery

__all__ = ['load_gallery']

# The class that a file asks for, and which arguments of a plain gallery hold
# for it too.
_COMPARED = ('whiten', 'split_parts')
_KINDS: dict[str | None, tuple[type[Gallery], tuple[str, ...]]] = {
    MilvusGallery.kind: (MilvusGallery, _COMPARED),
    ShardedGallery.kind: (
        ShardedGallery,
        (*_COMPARED, 'index', 'chunk_size'),
    ),
}


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
            its rows are in Milvus is a :class:`MilvusGallery` in any case,
            and one that names parts a :class:`ShardedGallery`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, or does not fit.
    """
    options = dict(config or {})
    kind = options.pop('type', None) or Gallery
    loader: Any = kind if isinstance(kind, type) else TASK_UTILS.get(kind)
    asked, shared = _KINDS.get(head_kind(path), (Gallery, ()))
    if not issubclass(loader, asked):
        loader = asked
        options = {k: v for k, v in options.items() if k in shared}
    return loader.load(path, expected_fingerprint, **options)
