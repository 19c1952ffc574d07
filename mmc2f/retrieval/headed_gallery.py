"""A gallery whose rows are elsewhere than in its file."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from torch import Tensor

from mmc2f.retrieval.gallery import Gallery
from mmc2f.retrieval.gallery_content import GalleryContent
from mmc2f.retrieval.gallery_file import read_gallery
from mmc2f.retrieval.gallery_head import read_head

__all__ = ['HeadedGallery']


class HeadedGallery(Gallery):
    """A :class:`Gallery` of which a file, the head, holds all but the rows.

    A subclass knows where the rows are and how they are searched. It has
    :meth:`save`, ``_set`` for the whole content of a plain gallery, and
    ``_read`` for what a head tells; both end in ``_keep``.

    Attributes:
        embeddings: On PyTorch's meta device: their shape, not their values.
    """

    #: Format of the head, see :mod:`mmc2f.retrieval.gallery_head`.
    kind: ClassVar[str]

    @classmethod
    def load(
        cls,
        path: str | os.PathLike,
        expected_fingerprint: Mapping[str, str] | None = None,
        **kwargs,
    ) -> 'HeadedGallery':
        """Read a file of :meth:`save`, or one of a plain gallery.

        Args:
            path: The file.
            expected_fingerprint: Checked as in :meth:`check` when given.
            **kwargs: Arguments of the class, in place of what the file says
                of them.

        Raises:
            FileNotFoundError: There is no such file, or rows are missing.
            ValueError: The file or the rows are damaged, do not fit, or are
                something else.
        """
        head = read_head(path, cls.kind)
        if head is None:
            gallery, content = cls(**kwargs), read_gallery(path)
            keep: Callable[[], None] = partial(gallery._set, content)
        else:
            gallery = cls(**{**cls._arguments(head[1]), **kwargs})
            content, keep = gallery._read(Path(path), *head)
        if expected_fingerprint is not None:
            content.check_made_by(
                expected_fingerprint, gallery.whiten, f'Gallery {path}'
            )
        keep()
        return gallery

    def add(self, *args, **kwargs) -> NoReturn:
        """Refused, see :meth:`remove`."""
        self.remove()

    def remove(self, *args, **kwargs) -> NoReturn:
        """Refused: the rows are those that the head has a digest of.

        Raises:
            ValueError: Always.
        """
        name = type(self).__name__
        raise ValueError(
            f'A {name} is not edited: edit the plain gallery of a file, and '
            f'load that with {name}, which brings it to its place anew.'
        )

    @classmethod
    def _arguments(cls, metadata: Mapping[str, str]) -> dict[str, Any]:
        """Of the class, as a head tells them."""
        return {}

    def _read(
        self,
        path: Path,
        tensors: Mapping[str, Tensor],
        metadata: Mapping[str, str],
    ) -> tuple[GalleryContent, Callable[[], None]]:
        """What a head tells, and what keeps it once it has been checked."""
        raise NotImplementedError

    def _keep(
        self,
        content: GalleryContent,
        means: GalleryContent,
        warns: bool = True,
    ) -> None:
        """Have in memory what is not in the rows.

        Args:
            content: Its embeddings are not looked at.
            means: The class means, see :meth:`prototypes`.
            warns: Of classes without an image.
        """
        shape = len(content.labels), means.embeddings.shape[1]
        embeddings = means.embeddings.new_empty(shape, device='meta')
        super()._set(replace(content, embeddings=embeddings), warns)
        self._prototypes = Gallery()
        self._prototypes._set(means, warns=False)
