"""Metric of the finest confident level: coverage and accuracy."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmc2f.evaluation.calibration_report import (
    level_curves,
    never_as_none,
    rule_curve,
)
from mmc2f.evaluation.functional.calibrate_level_thresholds import (
    calibrate_level_thresholds,
    cross_validated_levels,
    split_images,
)
from mmc2f.evaluation.functional.coverage_accuracy import selective_accuracy
from mmc2f.evaluation.metrics.multi_level_metric import (
    LevelRecord,
    MultiLevelMetric,
)
from mmc2f.evaluation.tables import answer_table, table_text
from mmc2f.files import write_json
from mmc2f.registry import METRICS
from mmc2f.structures import LabelTree, finest_confident_level

__all__ = ['FinestConfidentLevel']

OVERALL = 'overall'


@METRICS.register_module()
class FinestConfidentLevel(MultiLevelMetric):
    """Answers as fine as can be trusted, for images of unknown resolution.

    The rule is :func:`finest_confident_level`: the finest level whose
    greatest probability reaches that level's threshold. It does not know the
    resolution, so all views are calibrated together, each as frequent as in
    the data. The result of each view is measured separately:

    * ``{view}_coverage``: percent of images that are answered,
    * ``{view}_selective_accuracy``: percent of right ones among the answers,
      at the level of each; NaN where there is no answer,
    * ``{view}_{level}_share``: percent of images answered at that level,

    and ``overall_...`` likewise for all views together.

    Without ``thresholds`` the result is cross-validated in two folds, with
    all views of an image in the same fold: each fold is answered with the
    thresholds calibrated on the other, so that a test set can be its own
    calibration set. See :func:`calibrate_level_thresholds` for what the
    target means; it is reached over all views together, not in each. With
    ``each_view`` the same thresholds reach it in each view, and so in any
    mixture of them.

    ``img_path`` identifies the image of a sample. Where a sample has none,
    the k-th samples of all views count as the same image, which is right when
    the data set is read in order. Other fields and errors are those of
    :class:`MultiLevelMetric`.

    Args:
        tree: Hierarchy, as :meth:`LabelTree.build` takes it.
        target: Share of right answers to reach, over 0 and up to 1.
        thresholds: One per level, found on other data; ``None`` for a level
            that never answers. Then nothing is calibrated.
        path: JSON file to write: ``level_thresholds`` calibrated on all
            images, the target, coverage-accuracy curves of each level and of
            the whole rule, and the metrics. Its folder is created.
        min_accepted: See :func:`calibrate_level_thresholds`.
        each_view: Reach the target in each view, not only in all together.
        **kwargs: Of MMEngine's ``BaseMetric``.

    Raises:
        ValueError: An option is out of range, the number of thresholds is
            not that of the levels, or there is only one image to calibrate on.
    """

    default_prefix = 'finest'

    def __init__(
        self,
        tree: LabelTree | str | Path | Mapping,
        target: float = 0.9,
        thresholds: Sequence[float | None] | None = None,
        path: str | Path | None = None,
        min_accepted: int = 10,
        each_view: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(tree, **kwargs)
        if thresholds is not None and len(thresholds) != self.tree.num_levels:
            raise ValueError(
                f'{len(thresholds)} thresholds for the levels '
                f'{", ".join(self.tree.levels)}: give one per level'
            )
        if not 0 < target <= 1:
            raise ValueError(
                f'target is a share, over 0 and up to 1, but got {target}'
            )
        self.target = target
        self.thresholds = thresholds
        self.path = None if path is None else Path(path)
        self.min_accepted = min_accepted
        self.each_view = each_view

    def compute_metrics(self, results: list[LevelRecord]) -> dict[str, float]:
        """Judge the answers; write the file where one is asked for."""
        self.check_results(results)
        confidence = torch.stack([r.confidence for r in results])
        correct = torch.stack([r.predicted == r.target for r in results])
        images = _images(results)
        options = dict(
            min_accepted=self.min_accepted,
            groups=_groups(results) if self.each_view else None,
        )
        in_second = split_images(images)

        def answer(target: float) -> Tensor:
            return cross_validated_levels(
                confidence, correct, in_second, target, **options
            )

        if self.thresholds is None:
            levels = answer(self.target)
        else:
            levels = finest_confident_level(confidence, self.thresholds)
        metrics = self._measure(levels, correct, results)
        if self.path is not None:
            report = self._describe(confidence, correct, options)
            report['measured'] = metrics
            report['images'] = len(set(images))
            if self.thresholds is None:
                names = self.tree.levels
                report['rule'] = rule_curve(
                    lambda t: selective_accuracy(answer(t), correct, names)
                )
            write_json(self.path, never_as_none(report))
            print_log(f'Calibration written to {self.path}', logger='current')
        return metrics

    def _measure(
        self,
        levels: Tensor,
        correct: Tensor,
        results: Sequence[LevelRecord],
    ) -> dict[str, float]:
        rows: dict[str, list[int]] = {}
        for row, record in enumerate(results):
            rows.setdefault(record.view, []).append(row)
        rows[OVERALL] = list(range(len(results)))
        metrics = {
            f'{view}_{name}': value
            for view, own in rows.items()
            for name, value in selective_accuracy(
                levels[own], correct[own], self.tree.levels
            ).items()
        }
        how = (
            f'target {self.target:.1%}'
            + (' in each view' if self.each_view else '')
            + ', cross-validated'
            if self.thresholds is None
            else 'thresholds as given'
        )
        table = answer_table(metrics, list(rows), self.tree.levels, how)
        print_log('\n' + table_text(table), logger='current')
        return metrics

    def _describe(
        self, confidence: Tensor, correct: Tensor, options: Mapping
    ) -> dict[str, Any]:
        """The part of the file on the calibration with all images."""
        thresholds = self.thresholds
        if thresholds is None:
            thresholds = calibrate_level_thresholds(
                confidence, correct, self.target, **options
            ).tolist()
        return {
            'levels': list(self.tree.levels),
            'level_thresholds': list(thresholds),
            'target': self.target,
            'is_calibrated': self.thresholds is None,
            'min_accepted': self.min_accepted,
            'each_view': self.each_view,
            'curves': level_curves(confidence, correct, self.tree.levels),
        }


def _groups(results: Sequence[LevelRecord]) -> Tensor:
    """Index of the view of each record, ``(N,)``."""
    views = sorted({record.view for record in results})
    return torch.tensor([views.index(record.view) for record in results])


def _images(results: Sequence[LevelRecord]) -> list[str] | list[int]:
    """Key of the image of each record."""
    named = [r.image for r in results if r.image is not None]
    if len(named) == len(results):
        return named
    seen: dict[str, int] = defaultdict(int)
    places = []
    for record in results:
        places.append(seen[record.view])
        seen[record.view] += 1
    if len(set(seen.values())) > 1:
        raise ValueError(
            'Data samples have no img_path, and the views are of different '
            f'length ({dict(seen)}), so that it cannot be told which samples '
            'are of one image: add img_path to the meta_keys of PackInputs.'
        )
    return places
