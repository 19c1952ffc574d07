"""Embeddings and coarse predictions of a data set, kept in a file."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from mmc2f.files.safetensors_file import (
    DIGEST,
    hash_tensors,
    read_tensors,
    write_tensors,
)
from mmc2f.retrieval.gallery import Gallery

__all__ = ['EmbeddedImages']

_FORMAT = 'mmc2f.embedded_images.2'
_TENSORS = ('embeddings', 'labels', 'coarse_probs', 'global_probs')
_JSON_FIELDS = ('image_ids', 'class_names', 'parts', 'fingerprint')


@dataclass(frozen=True)
class EmbeddedImages:
    """What a model makes of N labelled images.

    Attributes:
        embeddings: ``(N, D)`` float32, as the model gives them.
        labels: ``(N,)``.
        coarse_probs: Softmax ``(N, C)``, or ``None``.
        image_ids: N names.
        class_names: C names, or ``None``.
        parts: Lengths of the parts of an embedding, or ``None``.
        fingerprint: Of all that they depend on.
        global_probs: Softmax ``(N, C)`` of the global pass, or ``None``.
    """

    embeddings: Tensor
    labels: Tensor
    coarse_probs: Tensor | None
    image_ids: list[str]
    class_names: list[str] | None
    parts: list[int] | None
    fingerprint: dict[str, str]
    global_probs: Tensor | None = None

    def gallery(self, **options) -> Gallery:
        """A gallery of these images; ``options`` are those of the class."""
        gallery = Gallery(**options)
        self.fill(gallery)
        return gallery

    def fill(self, gallery: Gallery) -> None:
        """Make these images the content of a gallery."""
        gallery.fill(
            self.embeddings,
            self.labels,
            self.image_ids,
            self.fingerprint,
            class_names=self.class_names,
            parts=self.parts,
        )

    def save(self, path: str | os.PathLike) -> None:
        """Write a safetensors file; the old one stays until it is whole."""
        metadata = {
            name: json.dumps(getattr(self, name)) for name in _JSON_FIELDS
        }
        tensors = {
            name: getattr(self, name)
            for name in _TENSORS
            if getattr(self, name) is not None
        }
        write_tensors(path, tensors, {'format': _FORMAT, **metadata})

    @classmethod
    def load(
        cls, path: str | os.PathLike, fingerprint: Mapping[str, str]
    ) -> 'EmbeddedImages | None':
        """Read what :meth:`save` wrote.

        Args:
            path: The file.
            fingerprint: Of what is wanted.

        Returns:
            ``None`` where there is no such file, it is damaged or was changed
            since it was written, or it is of other weights, images or
            preprocessing: it is a cache.
        """
        if not Path(path).is_file():
            return None
        try:
            tensors, metadata = read_tensors(path)
            if metadata.get('format') != _FORMAT:
                return None
            fields = {n: json.loads(metadata[n]) for n in _JSON_FIELDS}
        except (ValueError, KeyError, RecursionError):
            return None
        is_whole = metadata.get(DIGEST) == hash_tensors(tensors, metadata)
        if fields['fingerprint'] != dict(fingerprint) or not is_whole:
            return None
        if not {'embeddings', 'labels'} <= tensors.keys():
            return None
        return cls(
            embeddings=tensors['embeddings'],
            labels=tensors['labels'],
            coarse_probs=tensors.get('coarse_probs'),
            global_probs=tensors.get('global_probs'),
            **fields,
        )
