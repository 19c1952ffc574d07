"""One's own images: a folder with one directory a class."""

import logging
from collections import Counter
from collections.abc import Sequence
from os.path import expanduser
from typing import Any

from mmengine import fileio
from mmengine.logging import print_log
from mmpretrain.datasets import BaseDataset
from mmpretrain.datasets.custom import find_folders, get_samples

from mmc2f.datasets.requirements import require_folder
from mmc2f.files import decode_text
from mmc2f.registry import DATASETS

__all__ = ['ImageFolder']

EXTENSIONS = (
    *('.jpg', '.jpeg', '.png', '.webp', '.bmp'),
    *('.tif', '.tiff', '.ppm', '.pgm', '.gif'),
)
NAMES_SHOWN = 5


@DATASETS.register_module()
class ImageFolder(BaseDataset):
    """Images in one directory a class, split by split. ::

        data_root
        ├── train
        │   ├── class_a/*.jpg
        │   └── class_b/...
        └── val
            └── class_b/*.jpg

    The classes of every split are the sorted directory names of one split,
    ``train``, so that class ids agree although another split lacks a class.
    (mmpretrain's ``CustomDataset`` numbers each split by itself.) Hidden
    directories are passed over, directories inside a class are searched.

    Args:
        data_root: The folder that holds the splits.
        split: Directory of a split below it; ``''`` for none.
        classes: Names of class directories in class order, or a text file
            in UTF-8 with one per line. ``None``: take them from
            ``classes_from``.
        classes_from: Split that defines the classes. ``None``: this one.
        extensions: Endings of image files, of any case.
        **kwargs: Of mmpretrain's ``BaseDataset`` (``pipeline``,
            ``test_mode``, ...).

    Raises:
        FileNotFoundError: A folder is missing or holds no image.
        ValueError: The split has a directory that is no class, or a class
            is listed twice.
    """

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        classes: Sequence[str] | str | None = None,
        classes_from: str | None = 'train',
        extensions: Sequence[str] = EXTENSIONS,
        **kwargs: Any,
    ) -> None:
        self.split = split
        self.classes_from = split if classes_from is None else classes_from
        self.extensions = tuple(ending.lower() for ending in extensions)
        super().__init__(
            ann_file='',
            data_root=data_root,
            data_prefix=split,
            classes=_class_list(classes),
            **kwargs,
        )

    def load_data_list(self) -> list[dict]:
        """Find the images of the split."""
        folders = _class_folders(self.img_prefix)
        if self.CLASSES is None:
            self._metainfo['classes'] = self._defining_classes()
        self._check_folders(folders)
        samples, _ = get_samples(
            self.img_prefix,
            {name: self.class_to_idx[name] for name in folders},
            is_valid_file=lambda name: name.lower().endswith(self.extensions),
        )
        self._report_empty_classes({label for _, label in samples})
        join = fileio.get_file_backend(self.img_prefix).join_path
        return [
            {'img_path': join(self.img_prefix, path), 'gt_label': label}
            for path, label in samples
        ]

    def extra_repr(self) -> list[str]:
        """Lines that ``repr`` adds."""
        return [f'Folder of images: \t{self.img_prefix}']

    def _defining_classes(self) -> tuple[str, ...]:
        if self.classes_from == self.split:
            return _class_folders(self.img_prefix)
        join = fileio.get_file_backend(self.data_root).join_path
        return _class_folders(join(self.data_root, self.classes_from))

    def _check_folders(self, folders: tuple[str, ...]) -> None:
        unknown = [name for name in folders if name not in self.class_to_idx]
        if unknown:
            raise ValueError(
                f'{self.img_prefix} has directories that are no classes: '
                f'{_listing(unknown)}; remove them or give `classes` or '
                f'`classes_from` (now {self.classes_from!r}) that has them'
            )

    def _report_empty_classes(self, found: set[int]) -> None:
        """Refuse a split without images, report classes without."""
        if not found:
            raise FileNotFoundError(
                f'no image in the directories of {self.img_prefix}; the '
                f'endings looked for are {", ".join(self.extensions)}'
            )
        empty = [
            name
            for name, label in self.class_to_idx.items()
            if label not in found
        ]
        if empty:
            print_log(
                f'{self.img_prefix} has no image of {len(empty)} of '
                f'{len(self.CLASSES)} classes: {_listing(empty)}',
                logger='current',
                level=logging.WARNING,
            )


def _class_list(classes: Sequence[str] | str | None) -> list[str] | None:
    """The names of a list, or of a file, each once."""
    if classes is None:
        return None
    where = 'classes'
    if isinstance(classes, str):
        where = classes
        text = decode_text(fileio.get(expanduser(classes)), classes)
        lines = (line.strip() for line in text.splitlines())
        classes = [line for line in lines if line]
    twice = [name for name, count in Counter(classes).items() if count > 1]
    if twice or not classes:
        problem = f'lists {twice[0]!r} twice' if twice else 'lists no class'
        raise ValueError(
            f'{where} {problem}; it must list each class once, in the order '
            'of their ids'
        )
    return list(classes)


def _class_folders(path: str) -> tuple[str, ...]:
    """Sorted names of the visible directories in a folder."""
    require_folder(path, 'image')
    names, _ = find_folders(path)
    visible = tuple(name for name in names if not name.startswith('.'))
    if not visible:
        raise FileNotFoundError(
            f'{path!r} has no directory; it needs one for each class, with '
            'the images of the class in it'
        )
    return visible


def _listing(names: Sequence[str]) -> str:
    """The first few names, for messages."""
    more = ', ...' if len(names) > NAMES_SHOWN else ''
    return ', '.join(map(repr, names[:NAMES_SHOWN])) + more
