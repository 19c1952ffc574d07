"""The gallery's file: safetensors, with ids and fingerprint as JSON."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from mmc2f.retrieval.whitening import Whitening

__all__ = ['GalleryContent', 'read_gallery', 'write_gallery']

_FORMAT = 'mmc2f.gallery'
# Of a gallery that compares embeddings as they are, and of one that changes
# them first: a reader of version 1 alone must refuse the latter.
_PLAIN_VERSION, _VERSION = '1', '2'
_TENSORS = ('embeddings', 'labels')
_JSON_FIELDS = ('image_ids', 'fingerprint', 'num_classes', 'class_names')
# Only in files of version 2.
_WHITENING_TENSORS = ('whiten_mean', 'whiten_matrix')


@dataclass(frozen=True)
class GalleryContent:
    """What a gallery file holds; the fields are those of the gallery."""

    embeddings: Tensor
    labels: Tensor
    image_ids: list[str]
    fingerprint: dict[str, str]
    num_classes: int
    class_names: list[str] | None
    parts: tuple[int, ...] | None = None
    whitening: Whitening | None = None


def write_gallery(path: str | os.PathLike, content: GalleryContent) -> None:
    """Write a gallery; the old file stays whole until the new one is.

    Raises:
        OSError: The folder cannot be made or written to.
    """
    from safetensors.torch import save_file

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {'format': _FORMAT, 'version': _PLAIN_VERSION}
    for field in _JSON_FIELDS:
        metadata[field] = json.dumps(getattr(content, field))
    tensors = {name: getattr(content, name) for name in _TENSORS}
    whitening = content.whitening
    if content.parts is not None or whitening is not None:
        metadata['version'] = _VERSION
        metadata['parts'] = json.dumps(content.parts)
        metadata['whiten'] = json.dumps(whitening and whitening.kind)
    if whitening is not None:
        values = whitening.mean, whitening.matrix
        tensors |= zip(_WHITENING_TENSORS, values, strict=True)
    tensors = {name: t.contiguous().cpu() for name, t in tensors.items()}
    unfinished = path.with_name(f'{path.name}.{os.getpid()}.tmp')
    try:
        save_file(tensors, unfinished, metadata=metadata)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_gallery(path: str | os.PathLike) -> GalleryContent:
    """Read what :func:`write_gallery` wrote.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or not a gallery of this version.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'There is no gallery file {path}. Leave the file out to build '
            'the gallery from the train set.'
        )
    try:
        with safe_open(path, framework='pt') as file:
            metadata = file.metadata() or {}
            _check_format(path, metadata, set(file.keys()))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        fields = {name: json.loads(metadata[name]) for name in _JSON_FIELDS}
        parts = json.loads(metadata.get('parts', 'null'))
        whiten = json.loads(metadata.get('whiten', 'null'))
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(
            f'{path} is not a whole safetensors gallery ({error}). Build the '
            'gallery anew.'
        ) from error
    if whiten is not None:
        mean, matrix = (tensors[name] for name in _WHITENING_TENSORS)
        fields['whitening'] = Whitening(whiten, mean, matrix)
    return GalleryContent(
        **{name: tensors[name] for name in _TENSORS},
        **fields,
        parts=None if parts is None else tuple(parts),
    )


def _check_format(path: Path, metadata: dict, names: set[str]) -> None:
    needed = {*_TENSORS, *_JSON_FIELDS}
    if metadata.get('version') == _VERSION:
        needed |= {'parts', 'whiten'}
    if metadata.get('whiten', 'null') != 'null':
        needed |= {*_WHITENING_TENSORS}
    missing = needed - names - metadata.keys()
    if metadata.get('format') != _FORMAT or missing:
        raise ValueError(
            f'{path} is a safetensors file but not a gallery of mmc2f '
            f'(missing: {", ".join(sorted(missing)) or "its format mark"}).'
        )
    if metadata.get('version') not in (_PLAIN_VERSION, _VERSION):
        raise ValueError(
            f'{path} is a gallery of version {metadata.get("version")}; this '
            f'mmc2f reads versions {_PLAIN_VERSION} and {_VERSION}. Build '
            'the gallery anew.'
        )
