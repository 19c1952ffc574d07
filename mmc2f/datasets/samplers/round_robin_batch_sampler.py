"""Batches of one resolution each, in turn."""

from collections.abc import Iterator

import numpy as np
from mmengine.dataset import DefaultSampler
from torch.utils.data import BatchSampler, Sampler

from mmc2f.arguments import check_whole
from mmc2f.registry import DATA_SAMPLERS

__all__ = ['RoundRobinBatchSampler']

_SAMPLER_ATTRIBUTES = (
    *('dataset', 'seed', 'epoch', 'shuffle'),
    *('rank', 'world_size'),
)


@DATA_SAMPLERS.register_module()
class RoundRobinBatchSampler(BatchSampler):
    """Batches of one view each, in turn: high, medium, low, high, ...

    The recurrent training of "Coarse-to-Fine Grained Classification"
    (Section 4.1). Give it as the ``batch_sampler`` of a dataloader over a
    :class:`mmc2f.MultiResolutionDataset`, beside MMEngine's
    ``DefaultSampler``, of which it takes the seed, the epoch, whether to
    shuffle, and the rank::

        train_dataloader = dict(
            batch_size=8,
            dataset=dict(type='mmc2f.MultiResolutionDataset', ...),
            sampler=dict(type='DefaultSampler', shuffle=True),
            batch_sampler=dict(type='mmc2f.RoundRobinBatchSampler'),
        )

    An epoch begins with the first view, holds whole turns and, but for what
    ``drop_last`` leaves out, each image once in every view, in an order of
    the view's own. The order depends on the seed, the epoch and the view
    only. A resumed training therefore goes on with the view whose turn it is:
    MMEngine's epoch loop resumes where a turn begins, and its iteration loop
    passes over the batches that were trained on (unless told not to, by
    ``fast_forward_on_resume=True``).

    Under distributed training all ranks have the same number of batches and
    the same view at each step, and share out the images of the view.

    Args:
        sampler: Built by the runner.
        batch_size: Images in a batch of one rank.
        drop_last: Leave out what does not fill a batch on every rank. If not,
            a turn of smaller batches ends the epoch, and the first images of
            a view are repeated until the ranks have equally many.

    Raises:
        TypeError: The data set has no groups, or the sampler is of another
            kind.
        ValueError: A view fills no batch, the data set was cut short, or
            ``batch_size`` is no number from 1 on.
    """

    sampler: DefaultSampler

    def __init__(
        self, sampler: DefaultSampler, batch_size: int, drop_last: bool = True
    ) -> None:
        check_whole('batch_size of RoundRobinBatchSampler', batch_size)
        super().__init__(sampler, batch_size, drop_last)
        _check_sampler(sampler)
        self.groups = _groups(sampler.dataset)
        self.num_turns = min(map(self._num_batches, self.groups))

    def __len__(self) -> int:
        """Batches of this rank in an epoch."""
        return self.num_turns * len(self.groups)

    def __iter__(self) -> Iterator[list[int]]:
        """Indices of this rank's batches."""
        shares = [self._share(view) for view in range(len(self.groups))]
        for start in range(
            0, self.num_turns * self.batch_size, self.batch_size
        ):
            for share in shares:
                yield share[start : start + self.batch_size].tolist()

    def _share(self, view: int) -> np.ndarray:
        """This rank's images of a view, in the order of the epoch."""
        sampler = self.sampler
        indices = np.asarray(self.groups[view])
        if sampler.shuffle:
            # Every rank draws the order of all ranks and keeps its own
            # share, so that the ranks agree without talking to one another.
            rng = np.random.default_rng((sampler.seed, sampler.epoch, view))
            indices = rng.permutation(indices)
        if not self.drop_last:
            rounded_up = -(-len(indices) // sampler.world_size)
            indices = np.resize(indices, rounded_up * sampler.world_size)
        return indices[sampler.rank :: sampler.world_size]

    def _num_batches(self, group: range) -> int:
        """Batches of one rank that a view fills in an epoch."""
        batch_of_all = self.batch_size * self.sampler.world_size
        if not self.drop_last:
            return -(-len(group) // batch_of_all)
        batches = len(group) // batch_of_all
        if not batches:
            raise ValueError(
                f'a view has {len(group)} images, which do not fill a batch '
                f'of {self.batch_size} on {self.sampler.world_size} rank(s); '
                'lower batch_size, or give RoundRobinBatchSampler '
                'drop_last=False'
            )
        return batches


def _check_sampler(sampler: Sampler) -> None:
    missing = [
        name for name in _SAMPLER_ATTRIBUTES if not hasattr(sampler, name)
    ]
    if missing:
        raise TypeError(
            f'RoundRobinBatchSampler takes the order from a DefaultSampler, '
            f'but sampler is a {type(sampler).__name__}, which has no '
            f'{", ".join(missing)}; set '
            "sampler=dict(type='DefaultSampler', shuffle=True)"
        )


def _groups(dataset) -> list[range]:
    groups = getattr(dataset, 'groups', None)
    if groups is None:
        raise TypeError(
            f'RoundRobinBatchSampler needs the views of a data set, but '
            f'{type(dataset).__name__} has no groups: the outermost data set '
            'of the dataloader must be a mmc2f.MultiResolutionDataset'
        )
    groups = list(groups)
    total = sum(map(len, groups))
    if total != len(dataset):
        raise ValueError(
            f'the views have {total} samples, but the data set has '
            f'{len(dataset)}: RoundRobinBatchSampler cannot shorten an epoch '
            'by num_batch_per_epoch; take it out'
        )
    return groups
