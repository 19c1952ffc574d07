"""Metric of every level in every resolution."""

from collections.abc import Sequence

import torch
from mmengine.logging import print_log

from mmc2f.evaluation.functional.hierarchical_measures import (
    hierarchical_accuracy,
    hierarchical_distance,
    level_accuracy,
    level_consistency,
)
from mmc2f.evaluation.metrics.multi_level_metric import (
    LevelRecord,
    MultiLevelMetric,
)
from mmc2f.evaluation.tables import level_table, table_text
from mmc2f.registry import METRICS

__all__ = ['MultiResolutionMetric']


@METRICS.register_module()
class MultiResolutionMetric(MultiLevelMetric):
    """Accuracy, consistency and distance of mistakes, per resolution.

    For each view of the data set, ``high`` say, and each level:

    * ``{view}_{level}_top1``: percent of images whose class at that level is
      right. MLPH's Table 3 reports the first level of the first view, the
      second of the second, and so on; the table in the log marks them.
    * ``{view}_consistency``: :func:`level_consistency`, in percent.
    * ``{view}_distance``: mean :func:`hierarchical_distance` of the images
      whose finest class is wrong: from 1, where the class at the next level is
      right, to the number of levels, where no class is. 0 without mistakes.
    * ``{view}_{level}_implied_top1``, of each coarser level: percent of
      images whose *finest* prediction lies in the right class of that level.
      If it exceeds ``{view}_{level}_top1``, the ancestor of the finest
      prediction is better than the prediction of the level itself.

    Re-ranked scores are not evaluated here, see ``mmc2f.ReRankMetric``. Fields
    and errors are those of :class:`MultiLevelMetric`.
    """

    default_prefix = 'levels'

    def compute_metrics(self, results: list[LevelRecord]) -> dict[str, float]:
        """Measures of every view, which also go to the log as a table."""
        self.check_results(results)
        views: dict[str, list[LevelRecord]] = {}
        for record in results:
            views.setdefault(record.view, []).append(record)
        metrics: dict[str, float] = {}
        for view, records in views.items():
            metrics.update(self._measure(view, records))
        meant_for = {view: records[0].level for view, records in views.items()}
        table = level_table(metrics, meant_for, self.tree.levels)
        print_log('\n' + table_text(table), logger='current')
        return metrics

    def _measure(
        self, view: str, records: Sequence[LevelRecord]
    ) -> dict[str, float]:
        predicted = torch.stack([record.predicted for record in records])
        target = torch.stack([record.target for record in records])
        names, ancestors = self.tree.levels, self._ancestors
        accuracies = level_accuracy(predicted, target).tolist()
        metrics = {
            f'{view}_{name}_top1': accuracy
            for name, accuracy in zip(names, accuracies, strict=True)
        }
        steps = hierarchical_distance(predicted[:, 0], target[:, 0], self.tree)
        mistakes = steps[steps > 0].double()
        metrics[f'{view}_consistency'] = level_consistency(
            predicted, self.tree
        )
        metrics[f'{view}_distance'] = (
            mistakes.mean().item() if len(mistakes) else 0.0
        )
        implied = hierarchical_accuracy(
            predicted[:, 0], target[:, 0], ancestors
        ).tolist()
        for name, accuracy in list(zip(names, implied, strict=True))[1:]:
            metrics[f'{view}_{name}_implied_top1'] = accuracy
        return metrics
