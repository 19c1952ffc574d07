"""Accuracy of every level against the resolution of the images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.dataset import BaseDataset
from mmengine.model import BaseModel
from torch.utils.data import DataLoader

from mmc2f.evaluation.metrics.multi_resolution_metric import (
    MultiResolutionMetric,
)
from mmc2f.structures import LabelTree

__all__ = ['ResolutionCurves', 'measure_curves']


@dataclass(frozen=True)
class ResolutionCurves:
    """What :func:`search_resolutions` searches.

    Args:
        levels: Names of the L levels, fine to coarse.
        resolutions: R resolutions in pixels, falling.
        accuracies: For each level R shares from 0 to 1.
    """

    levels: tuple[str, ...]
    resolutions: tuple[int, ...]
    accuracies: tuple[tuple[float, ...], ...]

    def accuracy_of(self, level: int, resolution: int) -> float:
        """Share of images whose class at ``level`` is right."""
        return self.accuracies[level][self.resolutions.index(resolution)]

    def relative_thresholds(self, shares: Sequence[float]) -> list[float]:
        """Shares of each level's accuracy at the highest resolution.

        Args:
            shares: For level 0, 1, ...

        Raises:
            ValueError: No image is right there.
        """
        best = [curve[0] for curve in self.accuracies[: len(shares)]]
        if 0 in best:
            raise ValueError(
                f'At the highest resolution, {self.resolutions[0]}, no image '
                f'is right at level {self.levels[best.index(0)]!r}: is this '
                'the checkpoint of this config, and the tree of its classes?'
            )
        return [share * top for share, top in zip(shares, best, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, ``accuracies`` by the name of their level."""
        curves = dict(zip(self.levels, self.accuracies, strict=True))
        return {
            'levels': list(self.levels),
            'resolutions': list(self.resolutions),
            'accuracies': {name: list(c) for name, c in curves.items()},
        }


@torch.no_grad()
def measure_curves(
    model: BaseModel,
    dataloader: DataLoader,
    tree: LabelTree,
    shows_progress: bool = True,
) -> ResolutionCurves:
    """Run a classifier, in evaluation mode, over all resolutions.

    Args:
        model: Any of mmpretrain's; the levels are read as
            :class:`mmc2f.MultiResolutionMetric` reads them.
        dataloader: Gives each image the resolution as the name of its view,
            see :func:`~mmc2f.datasets.resolution_loader.resolution_loader`.
        tree: Hierarchy of the classes.
        shows_progress: On the terminal.

    Raises:
        ValueError: The classes are not those of the tree, or a score is NaN.
    """
    from rich.progress import track

    # Of the metric only the reading is of use: its measures are others.
    reader = MultiResolutionMetric(tree)
    dataset: BaseDataset = dataloader.dataset
    reader.dataset_meta = dataset.metainfo
    model.eval()
    for batch in track(
        dataloader,
        'Classifying',
        total=len(dataloader),
        disable=not shows_progress,
    ):
        samples = model.test_step(batch)
        reader.process(batch, [sample.to_dict() for sample in samples])
    hits: dict[int, list[torch.Tensor]] = {}
    for record in reader.results:
        is_right = record.predicted == record.target
        hits.setdefault(int(record.view), []).append(is_right)
    resolutions = sorted(hits, reverse=True)
    shares = torch.stack(
        [torch.stack(hits[r]).double().mean(dim=0) for r in resolutions]
    )
    return ResolutionCurves(
        levels=tree.levels,
        resolutions=tuple(resolutions),
        accuracies=tuple(map(tuple, shares.T.tolist())),
    )
