"""The gallery's file: safetensors, with ids and fingerprint as JSON."""

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmc2f.files.safetensors_file import (
    DIGEST,
    hash_tensors,
    read_tensors,
    write_tensors,
)
from mmc2f.retrieval.gallery_checks import check_content
from mmc2f.retrieval.gallery_content import GalleryContent
from mmc2f.retrieval.whitening import Whitening

__all__ = ['GalleryContent', 'read_gallery', 'write_gallery']

_FORMAT = 'mmc2f.gallery'
# Of a gallery that compares embeddings as they are, of one that changes them
# first, of one with classes that its model lacks, and of one with many image
# ids: who reads only the earlier versions must refuse the later.
_PLAIN_VERSION, _VERSION, _ADDED_VERSION, _LONG_VERSION = _VERSIONS = (
    *('1', '2'),
    *('3', '4'),
)
# Image ids of more bytes than this are a tensor: safetensors refuses to read
# 100 MB of metadata.
_LONGEST = 50_000_000
_IDS = 'image_ids'
_TENSORS = ('embeddings', 'labels')
_JSON_FIELDS = ('image_ids', 'fingerprint', 'num_classes', 'class_names')
# Only in files from version 2 on.
_WHITENING_TENSORS = ('whiten_mean', 'whiten_matrix')


def write_gallery(path: str | os.PathLike, content: GalleryContent) -> str:
    """Write a gallery; the old file stays whole until the new one is.

    Returns:
        The digest of the file.

    Raises:
        OSError: The file cannot be written.
    """
    metadata = {'format': _FORMAT, 'version': _PLAIN_VERSION}
    for field in _JSON_FIELDS:
        metadata[field] = json.dumps(getattr(content, field))
    tensors = {name: getattr(content, name) for name in _TENSORS}
    whitening = content.whitening
    if len(metadata[_IDS]) > _LONGEST:
        text = bytearray(metadata.pop(_IDS).encode())
        tensors[_IDS] = torch.frombuffer(text, dtype=torch.uint8)
        metadata['version'] = _LONG_VERSION
        metadata['num_added'] = json.dumps(content.num_added)
    elif content.num_added:
        metadata['version'] = _ADDED_VERSION
        metadata['num_added'] = json.dumps(content.num_added)
    elif content.parts is not None or whitening is not None:
        metadata['version'] = _VERSION
    if metadata['version'] != _PLAIN_VERSION:
        metadata['parts'] = json.dumps(content.parts)
        metadata['whiten'] = json.dumps(whitening and whitening.kind)
    if whitening is not None:
        values = whitening.mean, whitening.matrix
        tensors |= zip(_WHITENING_TENSORS, values, strict=True)
    return write_tensors(path, tensors, metadata)


def read_gallery(
    path: str | os.PathLike, digest: str | None = None
) -> GalleryContent:
    """Read what :func:`write_gallery` wrote, and check it.

    Args:
        path: The file.
        digest: Of the one that is wanted, where that is known.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, was changed since, holds what no
            gallery does, is another one, or is not a gallery of this version.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'There is no gallery file {path}. Leave the file out to build '
            'the gallery from the train set.'
        )
    try:
        tensors, metadata = read_tensors(path)
    except ValueError as error:
        raise _broken(path, error.__cause__) from error
    _check_format(path, metadata, set(tensors))
    content = _parse(path, metadata, tensors)
    try:
        check_content(content)
        _check_digest(path, tensors, metadata)
    except ValueError as error:
        raise ValueError(
            f'Gallery {path} is damaged. {error} Build the gallery anew.'
        ) from error
    if digest is not None and metadata.get(DIGEST) != digest:
        raise ValueError(
            f'{path} is of another gallery than the other files that belong '
            'to it. Build the gallery anew.'
        )
    return content


def _parse(
    path: Path, metadata: Mapping[str, str], tensors: Mapping[str, Tensor]
) -> GalleryContent:
    texts = {name: metadata[name] for name in _JSON_FIELDS if name in metadata}
    try:
        if _IDS not in texts:
            texts[_IDS] = tensors[_IDS].numpy().tobytes().decode()
        fields: dict[str, Any] = {
            name: json.loads(text) for name, text in texts.items()
        }
        parts = json.loads(metadata.get('parts', 'null'))
        whiten = json.loads(metadata.get('whiten', 'null'))
        num_added = json.loads(metadata.get('num_added', '0'))
    # A RecursionError tells of brackets in brackets.
    except (ValueError, RecursionError) as error:
        raise _broken(path, error) from error
    whitening = None
    if whiten is not None:
        mean, matrix = (tensors[name] for name in _WHITENING_TENSORS)
        whitening = Whitening(whiten, mean, matrix)
    return GalleryContent(
        embeddings=tensors['embeddings'],
        labels=tensors['labels'],
        **fields,
        parts=tuple(parts) if isinstance(parts, list) else parts,
        whitening=whitening,
        num_added=num_added,
    )


def _broken(path: Path, error: BaseException | None) -> ValueError:
    return ValueError(
        f'{path} is not a whole safetensors gallery ({error}). Build the '
        'gallery anew.'
    )


def _check_format(path: Path, metadata: dict, names: set[str]) -> None:
    tensors, texts = {*_TENSORS}, {*_JSON_FIELDS}
    version = metadata.get('version')
    if version in (_VERSION, _ADDED_VERSION, _LONG_VERSION):
        texts |= {'parts', 'whiten'}
    if version in (_ADDED_VERSION, _LONG_VERSION):
        texts |= {'num_added'}
    if version == _LONG_VERSION:
        texts, tensors = texts - {_IDS}, tensors | {_IDS}
    if metadata.get('whiten', 'null') != 'null':
        tensors |= {*_WHITENING_TENSORS}
    missing = (tensors - names) | (texts - metadata.keys())
    if metadata.get('format') != _FORMAT or missing:
        raise ValueError(
            f'{path} is a safetensors file but not a gallery of mmc2f '
            f'(missing: {", ".join(sorted(missing)) or "its format mark"}).'
        )
    if metadata.get('version') not in _VERSIONS:
        raise ValueError(
            f'{path} is a gallery of version {metadata.get("version")}; this '
            f'mmc2f reads versions {", ".join(_VERSIONS)}. Build the gallery '
            'anew.'
        )


def _check_digest(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    if DIGEST not in metadata:
        print_log(
            f'Gallery {path} was written by an older mmc2f and has no digest: '
            'whether ids, labels or embeddings were changed since is not '
            'known.',
            logger='current',
            level=logging.WARNING,
        )
    elif metadata[DIGEST] != hash_tensors(tensors, metadata):
        raise ValueError(
            'Its digest is not that of its content: ids, labels, embeddings '
            'or what belongs to them were changed after it was written.'
        )
