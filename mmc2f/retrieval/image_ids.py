"""What the images of a data set are called, and which class each is of."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset

__all__ = ['dataset_images', 'hash_images', 'image_id']


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
