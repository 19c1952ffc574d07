"""Metric for :func:`hierarchical_accuracy`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmc2f.evaluation.functional.hierarchical_measures import (
    LevelMode,
    hierarchical_accuracy,
)
from mmc2f.evaluation.metrics.multi_level_metric import TreeMetric
from mmc2f.registry import METRICS
from mmc2f.structures import LabelTree

__all__ = ['HierarchicalAccuracy']


@METRICS.register_module()
class HierarchicalAccuracy(TreeMetric):
    """Top-1 accuracy at every level of a hierarchy, in percent.

    Gives ``accuracy/{level}_top1`` for each level of the tree.

    Args:
        tree: Hierarchy, as :meth:`LabelTree.build` takes it.
        mode: ``'argmax'`` judges the ancestors of the predicted class,
            ``'sum'`` the ancestors with the greatest summed scores.
        score_key: Field of the data samples to judge: ``pred_score``,
            ``coarse_score``, or ``pred_label`` with ``mode='argmax'``.
        prefix: Stands before the names in place of ``accuracy``.
        **kwargs: Of MMEngine's ``BaseMetric``.

    Raises:
        ValueError: The dataset's or the scores' classes are not those of the
            tree, a sample lacks ``score_key``, or there was no sample.
    """

    tree: LabelTree
    default_prefix = 'accuracy'

    def __init__(
        self,
        tree: LabelTree | str | Path | Mapping,
        mode: LevelMode = 'argmax',
        score_key: str = 'pred_score',
        prefix: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(tree, prefix=prefix, **kwargs)
        self.mode = mode
        self.score_key = score_key
        self.ancestors = torch.stack(
            [self.tree.ancestors(level) for level in self.tree.levels]
        )

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the predictions and targets of a batch."""
        for sample in data_samples:
            self.results.append(
                (self._prediction(sample), sample['gt_label'].cpu().squeeze())
            )

    def compute_metrics(
        self, results: list[tuple[Tensor, Tensor]]
    ) -> dict[str, float]:
        """Accuracy of every level."""
        if not results:
            raise ValueError(
                'HierarchicalAccuracy got no prediction: is the test set '
                'empty?'
            )
        predictions, targets = map(torch.stack, zip(*results, strict=True))
        values = hierarchical_accuracy(
            predictions, targets, self.ancestors, self.mode
        )
        return {
            f'{level}_top1': value
            for level, value in zip(
                self.tree.levels, values.tolist(), strict=True
            )
        }

    def _prediction(self, sample: dict) -> Tensor:
        """Scores ``(C,)`` or, of an integer type, the class ``()``."""
        if self.score_key not in sample:
            raise ValueError(
                f'data samples have no {self.score_key!r}; they have '
                + ', '.join(sorted(sample))
            )
        prediction = sample[self.score_key].cpu()
        if prediction.is_floating_point():
            self.tree.check_num_classes(
                len(prediction), f'the field {self.score_key!r}'
            )
            return prediction
        return prediction.squeeze()
