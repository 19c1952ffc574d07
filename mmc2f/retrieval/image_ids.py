"""What the images of a data set are called, and which class each is of."""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset

from mmc2f.datasets.equal_files import file_digest

__all__ = ['dataset_images', 'hash_files', 'hash_images', 'image_id']


def image_id(path: str | None, root: str | None, place: int) -> str:
    """The path under the data root, so that the data may move.

    Args:
        path: Of the image; ``None`` where it is of no file.
        root: Of the data set; ``None`` stands for the working folder.
        place: Of the image in the data set, for want of a path.
    """
    if path is None:
        return f'image {place}'
    absolute, folder = Path(path).absolute(), Path(root or '').absolute()
    if absolute.is_relative_to(folder):
        return absolute.relative_to(folder).as_posix()
    return str(path)


def dataset_images(dataset: BaseDataset) -> tuple[list[str], list[Any]]:
    """Id and label of each image, in the order of the data set.

    Nothing is decoded. A label is what the data set gives, ``None`` where
    it gives none.
    """
    root = getattr(dataset, 'data_root', None)
    ids, labels = [], []
    for place in range(len(dataset)):
        info = dataset.get_data_info(place)
        ids.append(image_id(info.get('img_path'), root, place))
        labels.append(info.get('gt_label'))
    return ids, labels


def hash_images(ids: Sequence[str], labels: Iterable[Any]) -> str:
    """SHA-256 in hex of N ids and their labels, whose order counts."""
    digest = hashlib.sha256()
    for name, label in zip(ids, labels, strict=True):
        values = np.ravel([] if label is None else label).tolist()
        digest.update(json.dumps([name, values]).encode())
    return digest.hexdigest()


def hash_files(dataset: BaseDataset) -> str | None:
    """SHA-256 in hex of what the files of a data set hold, in its order.

    Of each file only its length and last 4 kB count, so that a data set of
    any size is read in the time of a listing. An image that is replaced by
    another under its name is noticed by these, unless both are uncompressed,
    of one size and equal in their last rows. The time of a file's last
    change does not count: copying a data set would change it.

    Returns:
        ``None`` where an image is in no file of this machine: galleries may
        be used where their images are not.
    """
    digest = hashlib.sha256()
    infos = (dataset.get_data_info(place) for place in range(len(dataset)))
    # A view of an image is of the same file.
    paths = dict.fromkeys(info.get('img_path') for info in infos)
    try:
        for path in paths:
            digest.update(os.stat(path).st_size.to_bytes(8, 'big'))
            digest.update(file_digest(path, end_only=True))
    # Of an image without a path, and of one that no file can have.
    except (OSError, TypeError, ValueError):
        return None
    return digest.hexdigest()
