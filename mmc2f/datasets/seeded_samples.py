"""Samples whose random transforms depend on their place in the training."""

from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple, cast

from mmengine.dist import get_dist_info
from torch.utils.data import BatchSampler, DataLoader, Dataset, Sampler

from mmc2f.seeding import seed_sample

__all__ = ['Draw', 'SeededBatchSampler', 'SeededDataset', 'seed_samples']

# Of a DataLoader, beside its data set and samplers.
_OPTIONS = (
    *('num_workers', 'collate_fn', 'pin_memory', 'timeout'),
    *('worker_init_fn', 'multiprocessing_context', 'generator'),
    *('prefetch_factor', 'persistent_workers', 'pin_memory_device'),
)


class Draw(NamedTuple):
    """Index of a sample to load, and what its randomness follows from.

    Workers load ahead and live on over epochs, so they are told with each
    index.
    """

    sample: int
    seed: int
    epoch: int
    place: int


def seed_samples(loader: DataLoader, seed: int) -> DataLoader:
    """The same loader, with each sample seeded by where it stands.

    Its random transforms then depend on the seed, the epoch and the place of
    the sample in the epoch only, not on the number of workers, nor on what
    was loaded before. (Not on the index of the image: where a sampler
    repeats one, its copies differ.) This covers what draws from the global
    generators of Python, NumPy and torch, as the transforms of mmcv,
    mmpretrain and torchvision do; one with a generator of its own must seed
    it itself.

    Args:
        loader: Loader of a map-style data set in batches. It is not changed
            and must not have been iterated over with persistent workers.
        seed: Of the run, equal on all ranks.

    Raises:
        ValueError: The loader makes no batches.
    """
    if loader.batch_sampler is None:
        raise ValueError(
            'the training data come without batches: give the loader a '
            'batch_size or a batch_sampler'
        )
    return DataLoader(
        SeededDataset(loader.dataset),
        batch_sampler=SeededBatchSampler(
            cast(BatchSampler, loader.batch_sampler), seed
        ),
        **{name: getattr(loader, name) for name in _OPTIONS},
    )


class SeededDataset(Dataset):
    """Loads a sample of a data set from its :class:`Draw`.

    In all else it is as the data set that it wraps.

    Attributes:
        dataset: The wrapped data set.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __getitem__(self, draw: Draw) -> Any:
        seed_sample(draw.seed, draw.epoch, draw.place)
        return self.dataset[draw.sample]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        if name == 'dataset':  # not there yet while it is unpickled
            raise AttributeError(name)
        return getattr(self.dataset, name)


class SeededBatchSampler(Sampler[list[Draw]]):
    """Turns the indices of each batch into :class:`Draw`.

    Attributes:
        batch_sampler: Gives the indices.
        seed: Of the run.
        epoch: From 0.
        first_batch: Batches of the epoch that are passed over.
    """

    def __init__(self, batch_sampler: BatchSampler, seed: int) -> None:
        self.batch_sampler = batch_sampler
        self.seed = seed
        self.epoch = 0
        self.first_batch = 0
        self.rank, self.world_size = get_dist_info()

    @property
    def sampler(self) -> Any:
        """Orders the data set; MMEngine sets its epoch."""
        return self.batch_sampler.sampler

    @property
    def batch_size(self) -> int:
        """Samples in a batch of one rank."""
        return self.batch_sampler.batch_size

    def set_epoch(self, epoch: int, first_batch: int = 0) -> None:
        """Choose the epoch, and where in it to begin."""
        self.epoch, self.first_batch = epoch, first_batch
        if hasattr(self.sampler, 'set_epoch'):
            self.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        """Batches of the whole epoch."""
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[list[Draw]]:
        # Over all ranks, as one rank would count samples dealt out in turn.
        places = count(self.rank, self.world_size)
        for number, indices in enumerate(self.batch_sampler):
            batch = [
                Draw(index, self.seed, self.epoch, next(places))
                for index in indices
            ]
            if number >= self.first_batch:
                yield batch
