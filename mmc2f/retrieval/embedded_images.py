"""Embeddings and coarse predictions of a data set, kept in a file."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from mmc2f.retrieval.gallery import Gallery

__all__ = ['EmbeddedImages']

_FORMAT = 'mmc2f.embedded_images'
_TENSORS = ('embeddings', 'labels', 'coarse_probs')
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
    """

    embeddings: Tensor
    labels: Tensor
    coarse_probs: Tensor | None
    image_ids: list[str]
    class_names: list[str] | None
    parts: list[int] | None
    fingerprint: dict[str, str]

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
        from safetensors.torch import save_file

        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {
            name: json.dumps(getattr(self, name)) for name in _JSON_FIELDS
        }
        tensors = {
            name: getattr(self, name).contiguous()
            for name in _TENSORS
            if getattr(self, name) is not None
        }
        unfinished = path.with_name(f'{path.name}.{os.getpid()}.tmp')
        try:
            save_file(tensors, unfinished, {'format': _FORMAT, **metadata})
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)

    @classmethod
    def load(
        cls, path: str | os.PathLike, fingerprint: Mapping[str, str]
    ) -> 'EmbeddedImages | None':
        """Read what :meth:`save` wrote.

        Args:
            path: The file.
            fingerprint: Of what is wanted.

        Returns:
            ``None`` where there is no such file, it is damaged, or it is of
            other weights, images or preprocessing: it is a cache.
        """
        from safetensors import SafetensorError, safe_open

        if not Path(path).is_file():
            return None
        try:
            with safe_open(path, framework='pt') as file:
                metadata = file.metadata() or {}
                if metadata.get('format') != _FORMAT:
                    return None
                fields = {n: json.loads(metadata[n]) for n in _JSON_FIELDS}
                if fields['fingerprint'] != dict(fingerprint):
                    return None
                tensors = dict.fromkeys(_TENSORS)
                for name in file.keys():  # noqa: SIM118, not a dict
                    tensors[name] = file.get_tensor(name)
        except (SafetensorError, json.JSONDecodeError, KeyError):
            return None
        return cls(**tensors, **fields)
