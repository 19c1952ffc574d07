"""Batches of P classes x K images, for losses that compare images."""

import logging
from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from mmengine.logging import print_log
from torch.utils.data import Sampler

from mmc2f.arguments import check_whole
from mmc2f.datasets.samplers.shuffled_rounds import ShuffledRounds
from mmc2f.registry import DATA_SAMPLERS

__all__ = ['PKSampler']


@DATA_SAMPLERS.register_module()
class PKSampler(Sampler):
    """Orders a dataset so that a batch has P classes with K images each.

    Give it as the ``sampler`` of a dataloader; every run of ``batch_size``
    indices is then one batch. The loader's batch size is P x K, or the
    sampler is told it and finds P and K: as many classes as there can be
    with K images each, all classes and more images of each where there are
    fewer. What then is left to fill a batch is one more image of some of its
    classes.

    Classes are drawn in shuffled rounds and so are the images of each class,
    so that all classes come up about equally often in an epoch, whatever
    their size; classes that have no image are not drawn. Where a class has
    fewer than K images, they are repeated within the batch, which the log
    says once.

    The order depends on ``seed`` and the epoch only: it is the same after
    resuming. Under distributed training the ranks take turns at the batches
    of one common order, so no two ranks get the same batch.

    Args:
        dataset: Dataset whose samples have one ``gt_label``; the wrappers of
            MMEngine and mmpretrain work as well.
        num_classes_per_batch: P; ``None`` to find it.
        num_images_per_class: K; where P is found, the least.
        batches_per_epoch: Batches of each rank in an epoch. ``None``: as many
            as the dataset fills, at least one.
        seed: The same on all ranks. ``None``: drawn and shared.
        batch_size: Of the loader, where P is to be found;
            :func:`mmc2f.apis.load_config` fills it in.

    Raises:
        ValueError: P or K is not positive, neither or both of P and
            ``batch_size`` are given, a batch holds fewer than K images, the
            dataset has fewer than P classes, or a sample has not exactly one
            label.
        TypeError: The dataset does not tell its labels.
    """

    def __init__(
        self,
        dataset: Sized,
        num_classes_per_batch: int | None = None,
        num_images_per_class: int = 2,
        batches_per_epoch: int | None = None,
        seed: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        if (num_classes_per_batch is None) == (batch_size is None):
            raise ValueError(
                'PKSampler takes num_classes_per_batch or batch_size, one of '
                f'them, got {num_classes_per_batch} and {batch_size}'
            )
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self.indices_of_class = _group_by_class(dataset)
        k = _positive('num_images_per_class', num_images_per_class)
        if batch_size is None:
            p = _positive('num_classes_per_batch', num_classes_per_batch)
        else:
            classes = len(self.indices_of_class)
            p = min(classes, _positive('batch_size', batch_size) // k)
            if p == 0:
                raise ValueError(
                    f'a batch of {batch_size} images holds no '
                    f'{k} images of one of {classes} classes: raise '
                    'batch_size, or lower num_images_per_class of PKSampler'
                )
            k = batch_size // p
        self.num_classes_per_batch = p
        self.num_images_per_class = k
        self._batch_size = batch_size or p * k
        self._check_classes()
        if batches_per_epoch is None:
            filled = len(dataset) // (self.batch_size * self.world_size)
            batches_per_epoch = max(1, filled)
        self.batches_per_epoch = _positive(
            'batches_per_epoch', batches_per_epoch
        )

    @property
    def batch_size(self) -> int:
        """Images in a batch, which the dataloader must have as its own."""
        return self._batch_size

    def __len__(self) -> int:
        """Indices of this rank in an epoch."""
        return self.batches_per_epoch * self.batch_size

    def __iter__(self) -> Iterator[int]:
        """This rank's indices, batch by batch, class by class."""
        # Every rank draws the batches of all ranks and keeps its own, so that
        # the ranks agree without talking to one another.
        rng = np.random.default_rng((self.seed, self.epoch))
        classes = ShuffledRounds(list(self.indices_of_class), rng)
        images = {
            label: ShuffledRounds(indices, rng)
            for label, indices in self.indices_of_class.items()
        }
        one_more = self.batch_size % self.num_classes_per_batch
        for batch in range(self.batches_per_epoch * self.world_size):
            indices = [
                index
                for place, label in enumerate(
                    classes.draw(self.num_classes_per_batch)
                )
                for index in images[label].draw(
                    self.num_images_per_class + (place < one_more)
                )
            ]
            if batch % self.world_size == self.rank:
                yield from indices

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; MMEngine's loops call it."""
        self.epoch = epoch

    def _check_classes(self) -> None:
        """Refuse too few classes, report classes with too few images."""
        counts = {
            label: len(indices)
            for label, indices in self.indices_of_class.items()
        }
        if len(counts) < self.num_classes_per_batch:
            raise ValueError(
                f'a batch needs {self.num_classes_per_batch} classes, but the '
                f'dataset has images of {len(counts)} only; lower '
                'num_classes_per_batch'
            )
        small = [
            label
            for label, count in counts.items()
            if count < self.num_images_per_class
        ]
        if small:
            fewest = min(small, key=counts.__getitem__)
            print_log(
                f'{len(small)} of {len(counts)} classes have fewer than '
                f'{self.num_images_per_class} images (fewest: class {fewest} '
                f'with {counts[fewest]}); theirs are repeated in a batch',
                logger='current',
                level=logging.WARNING,
            )


def _positive(name: str, value: Any) -> int:
    check_whole(f'{name} of PKSampler', value)
    return value


def _group_by_class(dataset: Sized) -> dict[int, list[int]]:
    """Indices of each class's samples, classes in ascending order."""
    groups: dict[int, list[int]] = {}
    for index in range(len(dataset)):
        groups.setdefault(_label(dataset, index), []).append(index)
    return dict(sorted(groups.items()))


def _label(dataset: Sized, index: int) -> int:
    # get_data_info comes first: the wrappers that have no get_cat_ids, or
    # cut the dataset short, pass it on with the right index.
    if hasattr(dataset, 'get_data_info'):
        label = dataset.get_data_info(index).get('gt_label')
    elif hasattr(dataset, 'get_cat_ids'):
        label = dataset.get_cat_ids(index)
    else:
        raise TypeError(
            f'{type(dataset).__name__} does not tell its labels: it has '
            'neither get_data_info nor get_cat_ids'
        )
    labels = np.ravel([] if label is None else label)
    if len(labels) != 1:
        raise ValueError(
            f'sample {index} must have one gt_label, but has {label!r}'
        )
    return int(labels[0])
