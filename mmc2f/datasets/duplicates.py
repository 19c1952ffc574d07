"""Images that make a measured accuracy mean less than it seems.

The same file in two classes cannot be learned, and one in training and test
need not be: a network knows it by heart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from mmengine.dataset import BaseDataset

from mmc2f.datasets.equal_files import equal_files

__all__ = ['Copy', 'Duplicates', 'find_duplicates', 'image_files']

_SHOWN = 5


class Copy(NamedTuple):
    """One place of a file: its path, its split and its class."""

    path: str
    split: str
    label: tuple[int, ...]


@dataclass(frozen=True)
class Duplicates:
    """Files of one content that are in places that exclude each other.

    Attributes:
        across_classes: Two copies of each file, in two classes.
        across_splits: Two copies of each file, the first of the training.
    """

    across_classes: list[tuple[Copy, Copy]]
    across_splits: list[tuple[Copy, Copy]]

    def messages(self, class_names: Sequence[str] | None = None) -> list[str]:
        """A sentence on each kind that there is."""
        texts = []
        if self.across_classes:
            texts.append(
                f'{_images(self.across_classes)} in two classes: '
                + _listing(self.across_classes, class_names)
            )
        if self.across_splits:
            texts.append(
                f'{_images(self.across_splits)} in training and in validation '
                'or test, which makes the accuracy look better than it is: '
                + _listing(self.across_splits, class_names)
            )
        return texts


def find_duplicates(
    splits: Mapping[str, Sequence[tuple[str, tuple[int, ...]]]],
    training: str = 'train',
) -> Duplicates:
    """Compare the files of all splits by content.

    Copies within a class of a split are of no harm, nor are those in
    validation and test.

    Args:
        splits: Path and label of the images of each split.
        training: Which of them is trained on.
    """
    places: dict[str, dict[Copy, None]] = {}
    for split, images in splits.items():
        for path, label in images:
            places.setdefault(path, {})[Copy(path, split, label)] = None
    # A file may be at one path in several splits or classes.
    groups = {path: [path] for path, own in places.items() if len(own) > 1}
    for group in equal_files(places):
        for path in group:
            groups.pop(path, None)
        groups[group[0]] = group
    across_classes, across_splits = [], []
    for group in groups.values():
        copies = [copy for path in group for copy in places[path]]
        first = copies[0]
        other = next((c for c in copies if c.label != first.label), None)
        if other is not None:
            across_classes.append((first, other))
        trained = next((c for c in copies if c.split == training), None)
        measured = next((c for c in copies if c.split != training), None)
        if trained is not None and measured is not None:
            across_splits.append((trained, measured))
    return Duplicates(across_classes, across_splits)


def image_files(
    dataset: BaseDataset,
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Path and label of each image at the finest level that has a file.

    A data set that does not tell them, or has labels of another kind than
    classes, has none.
    """
    if not hasattr(dataset, 'get_data_info'):
        return
    for place in range(len(dataset)):
        info: Mapping[str, Any] = dataset.get_data_info(place)
        path, given = info.get('img_path'), info.get('gt_label')
        label = np.asarray(given).ravel()
        is_class = np.issubdtype(label.dtype, np.integer)
        if path is not None and is_class and not info.get('level'):
            yield str(path), tuple(label.tolist())


def _images(pairs: Sequence[tuple[Copy, Copy]]) -> str:
    return '1 image is' if len(pairs) == 1 else f'{len(pairs)} images are'


def _listing(
    pairs: Sequence[tuple[Copy, Copy]], class_names: Sequence[str] | None
) -> str:
    named = [
        f'{_name(one, class_names)} = {_name(other, class_names)}'
        for one, other in pairs[:_SHOWN]
    ]
    more = len(pairs) - len(named)
    return '; '.join(named) + (f'; and {more} more' if more else '')


def _name(copy: Copy, class_names: Sequence[str] | None) -> str:
    known = dict(enumerate(class_names or ()))
    classes = ' + '.join(str(known.get(c, c)) for c in copy.label)
    # A log is in UTF-8, which a file's name need not be.
    path = copy.path.encode('utf-8', 'backslashreplace').decode()
    return f'{path} ({copy.split}, {classes})'
