"""Reads the images of a listing, and finds what is in it twice."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mmc2f.datasets.equal_files import equal_files
from mmc2f.own_data.examine import Look, examine
from mmc2f.own_data.listing import ImageListing, ListedImage
from mmc2f.own_data.near_duplicates import FLAT, Disjoint, near_groups

__all__ = ['Inspection', 'inspect_images']

Groups = list[list[ListedImage]]
Progress = Callable[[Iterable, int], Iterable]


@dataclass(frozen=True)
class Inspection:
    """Of the images of a listing.

    Attributes:
        images: Those that can be read.
        groups: The group of near duplicates that each of them is in; its
            number is the place of its first image.
        unreadable: Why the others cannot, by path.
        exact: Groups of two files or more of one content.
        near: Groups of two images or more, those of ``exact`` included.
        flat: Images of almost one colour, compared by content alone.
    """

    images: list[ListedImage]
    groups: np.ndarray
    unreadable: dict[str, str] = field(default_factory=dict)
    exact: Groups = field(default_factory=list)
    near: Groups = field(default_factory=list)
    flat: list[ListedImage] = field(default_factory=list)


def inspect_images(
    listing: ImageListing,
    threads: int | None = None,
    progress: Progress = lambda items, total: items,
) -> Inspection:
    """Look at every image of a listing once.

    Decoding takes nearly all of the time; 3 kB are kept of each image.

    Args:
        listing: The images.
        threads: See :func:`mmc2f.own_data.examine.examine`.
        progress: Wraps an iterable of so many items, to show how far it is.
    """
    paths = [listing.root / image.path for image in listing.images]
    images, looks, unreadable = [], [], {}
    seen = progress(examine(paths, threads), len(paths))
    for image, look in zip(listing.images, seen, strict=True):
        if isinstance(look, Look):
            images.append(image)
            looks.append(look)
        else:
            unreadable[_printable(image.path)] = look.reason
    sets = Disjoint(len(images))
    place = {
        str(listing.root / image.path): i for i, image in enumerate(images)
    }
    equal = [[place[path] for path in group] for group in equal_files(place)]
    for first, *others in equal:
        for other in others:
            sets.join(first, other)
    groups = near_groups(looks, sets).labels()
    return Inspection(
        images,
        groups,
        unreadable,
        [[images[i] for i in group] for group in equal],
        _members(images, groups),
        [
            image
            for image, look in zip(images, looks, strict=True)
            if look.contrast < FLAT
        ],
    )


def _members(images: Sequence[ListedImage], groups: np.ndarray) -> Groups:
    members: dict[int, list[ListedImage]] = {}
    for image, group in zip(images, groups.tolist(), strict=True):
        members.setdefault(group, []).append(image)
    return [group for group in members.values() if len(group) > 1]


def _printable(path: str) -> str:
    """A path that a report can hold, also where it is not UTF-8."""
    return os.fsencode(path).decode('utf-8', 'backslashreplace')
