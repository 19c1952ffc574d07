"""Files that tell of a gallery all but its rows, which are elsewhere."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from mmc2f.files.safetensors_file import (
    DIGEST,
    hash_tensors,
    read_tensors,
    write_tensors,
)
from mmc2f.retrieval.gallery_content import GalleryContent
from mmc2f.retrieval.whitening import Whitening

__all__ = ['head_content', 'head_kind', 'read_head', 'write_head']

_VERSION = '1'
_FIELDS = (
    *('fingerprint', 'num_classes', 'class_names', 'parts'),
    'num_added',
)


def write_head(
    path: str | os.PathLike,
    kind: str,
    content: GalleryContent,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
) -> None:
    """Write a whole file, with a digest of what it holds.

    Args:
        path: The file.
        kind: Name of the format, which says where the rows are.
        content: Whose embeddings and image ids are left out.
        tensors, metadata: What else is to be known, such as where the rows
            are.

    Raises:
        OSError: The file cannot be written.
    """
    whitening = content.whitening
    tensors = {'labels': content.labels, **tensors}
    if whitening is not None:
        tensors['whiten_mean'] = whitening.mean
        tensors['whiten_matrix'] = whitening.matrix
    fields = {name: json.dumps(getattr(content, name)) for name in _FIELDS}
    metadata = {
        'format': kind,
        'version': _VERSION,
        'whiten': json.dumps(whitening and whitening.kind),
        **fields,
        **metadata,
    }
    write_tensors(path, tensors, metadata)


def head_kind(path: str | os.PathLike) -> str | None:
    """Name of the format that a safetensors file says it has.

    Only its header is read: a plain gallery may be large.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        return None
    try:
        with safe_open(path, framework='pt') as file:
            return (file.metadata() or {}).get('format')
    except SafetensorError:
        # The reader of galleries says what is wrong with it.
        return None


def read_head(
    path: str | os.PathLike, kind: str
) -> tuple[dict[str, Tensor], dict[str, str]] | None:
    """Read a file of :func:`write_head`.

    Returns:
        Tensors and metadata; ``None`` where it is another file, or none.

    Raises:
        ValueError: It was changed since it was written.
    """
    if head_kind(path) != kind:
        return None
    tensors, metadata = read_tensors(path)
    if metadata.get('version') != _VERSION:
        raise ValueError(
            f'{path} is a {kind} of version {metadata.get("version")}; this '
            f'mmc2f reads version {_VERSION}.'
        )
    if metadata.get(DIGEST) != hash_tensors(tensors, metadata):
        raise ValueError(
            f'Gallery {path} is damaged. Its digest is not that of its '
            'content: it was changed after it was written. Save it anew.'
        )
    return tensors, metadata


def head_content(
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    embeddings: Tensor,
    image_ids: Sequence[str] = (),
) -> GalleryContent:
    """The gallery that a head tells of, with what it leaves out."""
    fields: dict[str, Any] = {n: json.loads(metadata[n]) for n in _FIELDS}
    fields['parts'] = fields['parts'] and tuple(fields['parts'])
    kind = json.loads(metadata['whiten'])
    whitening = None
    if kind is not None:
        values = tensors['whiten_mean'], tensors['whiten_matrix']
        whitening = Whitening(kind, *values)
    return GalleryContent(
        embeddings=embeddings,
        labels=tensors['labels'],
        image_ids=list(image_ids),
        **fields,
        whitening=whitening,
    )
