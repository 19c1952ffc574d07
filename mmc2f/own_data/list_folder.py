"""Images in a folder whose directories are the classes."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

from mmc2f.datasets.image_folder import EXTENSIONS
from mmc2f.own_data.listing import (
    ImageListing,
    ListedImage,
    listing_of,
    split_of,
)

__all__ = ['CLASS_DIRECTORIES', 'list_folder']

CLASS_DIRECTORIES = ('auto', 'innermost', 'outermost')

#: Directories from the split's folder down to the one that holds an image.
Directories = tuple[str, ...]


def list_folder(
    folder: Path, class_directories: str = 'auto', resplit: bool = False
) -> ImageListing:
    """List the images of a folder. ::

        folder/crow/1.jpg                      a class
        folder/corvids/crow/1.jpg              a class in its super class
        folder/train/corvids/crow/1.jpg        and in a split

    Hidden files and directories are passed over, links are followed.

    Args:
        folder: With directories ``train``, ``val`` and ``test`` (or what
            else :data:`~mmc2f.own_data.listing.SPLITS` has), or without.
        class_directories: Which directory is the class of an image, and
            whether those above it are super classes: ``'innermost'``, the
            one that holds it, with super classes; ``'outermost'``, without,
            and what is below belongs to the class; ``'auto'``: the outermost
            where inner ones cannot be classes, as one name is in several of
            them, or a directory has both images and directories.
        resplit: Forget the splits.

    Raises:
        FileNotFoundError: There is no image.
        ValueError: Images lie in no directory, there is a split but no
            ``train``, or less than two classes.
    """
    folder = Path(folder)
    notes: list[str] = []
    found: list[tuple[str, Directories, str]] = []
    for split, top in _split_folders(folder, notes):
        found += [
            (split, path.parent.relative_to(top).parts, _name(path, folder))
            for path in _images_below(top)
        ]
    if not found:
        raise FileNotFoundError(
            f'{folder} has no image; the endings looked for are '
            f'{", ".join(EXTENSIONS)}'
        )
    found = _without_loose_images(folder, found, notes)
    names = _class_names(
        {parts for _, parts, _ in found}, class_directories, notes
    )
    depth = len(next(iter(names.values()))) - 1
    images = [
        ListedImage(
            path,
            names[parts][0],
            '' if resplit else split,
            names[parts][1:],
        )
        for split, parts, path in found
    ]
    return listing_of(folder, images, _level_names(depth), notes, folder)


def _level_names(depth: int) -> tuple[str, ...]:
    """Names of the classes' level and of so many above it."""
    if depth == 1:
        return ('class', 'group')
    return ('class', *(f'group_{i + 1}' for i in range(depth)))


def _split_folders(folder: Path, notes: list[str]) -> list[tuple[str, Path]]:
    """Split and folder of each, or the whole folder without a split."""
    directories = [
        path
        for path in sorted(folder.iterdir())
        if path.is_dir() and _visible(path.name)
    ]
    splits = [(split_of(path.name), path) for path in directories]
    known = [(split, path) for split, path in splits if split]
    if not known:
        return [('', folder)]
    twice = {s for s, _ in known if [k for k, _ in known].count(s) > 1}
    if twice or not any(split == 'train' for split, _ in known):
        found = ', '.join(repr(path.name) for _, path in known)
        raise ValueError(
            f'{folder} has the directories {found}, of which none or several '
            "are the training images; call one of them 'train'"
        )
    others = [path.name for split, path in splits if not split]
    if others:
        notes.append(
            f'passed over, for they are in no split: {", ".join(others)}'
        )
    return known


def _images_below(top: Path) -> Iterator[Path]:
    """Files with the ending of an image, sorted; each directory once."""
    seen = set()
    for place, directories, files in os.walk(top, followlinks=True):
        status = os.stat(place)
        key = (status.st_dev, status.st_ino)
        if key in seen:
            directories.clear()
            continue
        seen.add(key)
        directories[:] = sorted(filter(_visible, directories))
        for name in sorted(filter(_visible, files)):
            if name.lower().endswith(EXTENSIONS):
                yield Path(place, name)


def _visible(name: str) -> bool:
    return not name.startswith('.')


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _without_loose_images(
    folder: Path,
    found: list[tuple[str, Directories, str]],
    notes: list[str],
) -> list[tuple[str, Directories, str]]:
    """Leave out images that no directory gives a class."""
    loose = [path for _, parts, path in found if not parts]
    if len(loose) == len(found):
        raise ValueError(
            f'{folder} has images, such as {loose[0]}, but no directories '
            'that say their classes: put them into one directory a class, or '
            'give a csv file of paths and labels'
        )
    if loose:
        more = f' and {len(loose) - 1} more' if loose[1:] else ''
        notes.append(f'left out, for they have no class: {loose[0]}{more}')
    return [entry for entry in found if entry[1]]


def _class_names(
    directories: set[Directories], which: str, notes: list[str]
) -> dict[Directories, tuple[str, ...]]:
    """Class and super classes, fine to coarse, of each directory."""
    skipped = _common_start(directories)
    if skipped:
        notes.append(f'the classes are below {"/".join(skipped)}')
    inner = {parts: parts[len(skipped) :] for parts in directories}
    if which == 'auto':
        reason = _no_classes(set(inner.values()))
        which = 'outermost' if reason else 'innermost'
        if reason:
            notes.append(
                'the outermost directories are taken for the classes, since '
                f'{reason}; --class-directories innermost takes the others'
            )
    if which == 'outermost':
        return {parts: (rest[0].strip(),) for parts, rest in inner.items()}
    depth = max(map(len, inner.values()))
    # A class that is less deep is its own super class there.
    levels = [
        _unique({rest[: min(level, len(rest))] for rest in inner.values()})
        for level in range(depth, 0, -1)
    ]
    return {
        parts: tuple(
            names[rest[: min(depth - place, len(rest))]]
            for place, names in enumerate(levels)
        )
        for parts, rest in inner.items()
    }


def _common_start(directories: set[Directories]) -> Directories:
    """Directories that hold everything, such as ``images``."""
    above = [parts[:-1] for parts in directories]
    first, last = min(above), max(above)
    pairs = zip(first, last, strict=False)
    same = takewhile(lambda pair: pair[0] == pair[1], pairs)
    return tuple(name for name, _ in same)


def _no_classes(directories: set[Directories]) -> str | None:
    """Why the directories that hold images cannot be the classes."""
    for parts in sorted(directories):
        for end in range(1, len(parts)):
            if parts[:end] in directories:
                above = '/'.join(parts[:end])
                return f'{above} has images and also {"/".join(parts)}'
    places: dict[str, list[Directories]] = defaultdict(list)
    for parts in sorted(directories):
        places[parts[-1]].append(parts)
    for name, homes in places.items():
        if len(homes) > 1:
            return f'{name!r} is in {_listed(homes)}'
    return None


def _listed(homes: Sequence[Directories]) -> str:
    return ' and '.join('/'.join(parts[:-1]) or '.' for parts in homes[:2])


def _unique(directories: set[Directories]) -> dict[Directories, str]:
    """A name for each: its own, or its path where others have that name."""
    last = [parts[-1] for parts in directories]
    # A table drops the spaces around a cell.
    return {
        parts: (
            parts[-1] if last.count(parts[-1]) == 1 else '/'.join(parts)
        ).strip()
        for parts in directories
    }
