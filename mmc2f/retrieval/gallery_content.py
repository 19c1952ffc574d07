"""What a gallery holds, apart from how it is searched."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch.nn.functional as F
from mmengine.logging import print_log
from torch import Tensor

from mmc2f.retrieval.gallery_checks import check_fingerprint
from mmc2f.retrieval.image_ids import hash_images
from mmc2f.retrieval.whitening import Whitening

__all__ = ['GalleryContent', 'with_whitening']


@dataclass(frozen=True)
class GalleryContent:
    """Rows of a gallery with all that belongs to them.

    The fields are the attributes of :class:`mmc2f.retrieval.Gallery`.
    """

    embeddings: Tensor
    labels: Tensor
    image_ids: list[str]
    fingerprint: dict[str, str]
    num_classes: int
    class_names: list[str] | None
    parts: tuple[int, ...] | None = None
    whitening: Whitening | None = None
    num_added: int = 0

    @property
    def missing_classes(self) -> list[int]:
        """Classes without an image, ascending."""
        counts = self.labels.bincount(minlength=self.num_classes)
        return (counts == 0).nonzero().flatten().tolist()

    def prototypes(self) -> 'GalleryContent':
        """One row for each class with images: their mean, of unit length.

        Its image id is the name of the class, else its number.
        """
        present = self.labels.unique()
        means = self.embeddings.new_zeros(
            self.num_classes, self.embeddings.shape[1]
        ).index_add(0, self.labels, self.embeddings)
        names = self.class_names or range(self.num_classes)
        return replace(
            self,
            embeddings=F.normalize(means[present]),
            labels=present,
            image_ids=[str(names[c]) for c in present.tolist()],
        )

    def check_made_by(
        self, fingerprint: Mapping[str, str], whiten: str | None, what: str
    ) -> None:
        """Make sure that this was made as a fingerprint says.

        Where the fingerprint tells the images of the training set but the
        gallery, an older one, does not, its own ids and labels are compared.
        What a fingerprint does not tell of the images is not checked; a
        warning says so where the gallery does not tell what their files
        held.

        Args:
            fingerprint: Of what is wanted.
            whiten: The whitening that is wanted.
            what: Name of the gallery, for the message.

        Raises:
            ValueError: It was not; says what differs.
        """
        actual, expected = dict(self.fingerprint), dict(fingerprint)
        if 'images' not in expected:
            actual.pop('images', None)
        elif 'images' not in actual:
            actual['images'] = hash_images(
                self.image_ids, self.labels.tolist()
            )
        if 'image_files' not in actual and 'image_files' in expected:
            print_log(
                f'{what} does not say what the files of its images held: it '
                'was made by an older mmc2f, edited, or made of images '
                'elsewhere. Whether one was replaced under its name since is '
                'not known.',
                logger='current',
                level=logging.WARNING,
            )
        if 'image_files' not in actual.keys() & expected.keys():
            actual.pop('image_files', None)
            expected.pop('image_files', None)
        check_fingerprint(actual, with_whitening(expected, whiten), what)


def with_whitening(
    fingerprint: Mapping[str, str], whiten: str | None
) -> dict[str, str]:
    """The fingerprint of a gallery that is whitened, or not."""
    return {**fingerprint, **({'whiten': whiten} if whiten else {})}
