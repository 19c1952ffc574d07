"""What a folder or a table says of its images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ['SPLITS', 'ImageListing', 'ListedImage', 'listing_of', 'split_of']

#: Splits, and what directories and cells that mean them are called.
SPLITS = {
    'train': ('train', 'training', 'trn'),
    'val': ('val', 'valid', 'validation', 'dev'),
    'test': ('test', 'testing', 'tst'),
}
_SPLIT_OF = {name: split for split, names in SPLITS.items() for name in names}


@dataclass(frozen=True)
class ListedImage:
    """One image as it was found; nothing is known of its content.

    Attributes:
        path: Relative to the root of the listing.
        label: Name of its class.
        split: A key of :data:`SPLITS`, or empty.
        parents: Its super classes, fine to coarse.
    """

    path: str
    label: str
    split: str = ''
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageListing:
    """Images of at least two classes.

    Attributes:
        root: Folder that the paths are relative to.
        images: At least one of them of each class.
        levels: Names of the classes' level and of those of the parents, fine
            to coarse.
        notes: What the reader had to decide, as sentences.
    """

    root: Path
    images: Sequence[ListedImage]
    levels: tuple[str, ...] = ('class',)
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> list[str]:
        """Sorted names."""
        return sorted({image.label for image in self.images})

    @property
    def has_splits(self) -> bool:
        """Whether the images come with a split."""
        return any(image.split for image in self.images)


def split_of(name: str) -> str | None:
    """The split that a directory or a cell means, of any case."""
    return _SPLIT_OF.get(name.strip().lower())


def listing_of(
    root: Path,
    images: Sequence[ListedImage],
    levels: tuple[str, ...],
    notes: Sequence[str],
    source: Path,
) -> ImageListing:
    """A listing that has been checked.

    Raises:
        ValueError: There is one class only, or a class of another split has
            no image to train on.
    """
    classes = sorted({image.label for image in images})
    if len(classes) == 1:
        raise ValueError(
            f'{source} has one class only, {classes[0]!r}; a classifier '
            'needs at least two'
        )
    listing = ImageListing(root, images, levels, tuple(notes))
    if listing.has_splits:
        trained = {i.label for i in images if i.split == 'train'}
        missing = [name for name in classes if name not in trained]
        if missing:
            more = f' and {len(missing) - 1} more' if missing[1:] else ''
            raise ValueError(
                f'{source}: class {missing[0]!r}{more} has images in another '
                'split, but none to train on; add some, or have the images '
                'split anew (--resplit)'
            )
    return listing
