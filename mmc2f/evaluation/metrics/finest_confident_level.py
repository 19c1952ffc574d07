"""Metric for :func:`finest_confident_level`."""

import json
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmc2f.evaluation.answer_table import answer_table
from mmc2f.evaluation.calibration_report import (
    level_curves,
    never_as_none,
    rule_curve,
)
from mmc2f.evaluation.functional.answer_measures import answer_measures
from mmc2f.evaluation.functional.calibrate_level_thresholds import (
    calibrate_level_thresholds,
)
from mmc2f.evaluation.functional.two_fold_levels import (
    split_images,
    two_fold_levels,
)
from mmc2f.evaluation.level_table import table_text
from mmc2f.evaluation.metrics.multi_level_metric import (
    LevelRecord,
    MultiLevelMetric,
)
from mmc2f.registry import METRICS
from mmc2f.structures import LabelTree, finest_confident_level

__all__ = ['FinestConfidentLevel']

OVERALL = 'overall'


@METRICS.register_module()
class FinestConfidentLevel(MultiLevelMetric):
    """Answers as fine as can be trusted, for images of unknown resolution.

    The rule is :func:`finest_confident_level`: the finest level whose
    greatest probability passes that level's threshold. It is not told the
    resolution, so that the views are calibrated together, each as frequent
    as in the data; how it fares in each is then measured apart:

    * ``{view}_answered``: percent of images that get an answer,
    * ``{view}_accuracy``: percent of right ones among the answers, at the
      level of each; NaN where there is no answer,
    * ``{view}_{level}_share``: percent of images answered at that level,

    and ``overall_...`` likewise for all views together.

    Without ``thresholds`` the images are parted in two, with all views of an
    image in the same half, and each half is judged by thresholds calibrated
    on the other. So no image is judged by a threshold that it helped to
    choose, and a test set can be its own calibration set. What thresholds
    promise and what not is told at :func:`calibrate_level_thresholds`;
    above all, the target is for all views together: in the lowest
    resolution the answers are right less often than in the highest. With
    ``each_view`` it is to be reached in each, by the same thresholds, which
    then holds for whatever mixture of these resolutions one meets.

    The image of a sample is its ``img_path``. Where one sample has none, the
    k-th samples of all views are taken for the same image, which they are
    when the data set is read in its order. Other fields and errors are those
    of :class:`MultiLevelMetric`.

    Args:
        tree: Hierarchy, as :meth:`LabelTree.build` takes it.
        target: Share of right answers to reach, over 0 and up to 1.
        thresholds: One a level, found on other data; ``None`` in it for a
            level that never answers. Then nothing is calibrated.
        path: JSON file to write: ``level_thresholds`` calibrated on all
            images, the target, coverage-accuracy curves of each level and of
            the whole rule, and the measures. Its folder is made.
        min_accepted: See :func:`calibrate_level_thresholds`.
        delta: Likewise; not with ``each_view``.
        each_view: Reach the target in each view rather than in all together.
        **kwargs: Of MMEngine's ``BaseMetric``.

    Raises:
        ValueError: An option is out of range, there is not one threshold a
            level, or there is only one image to calibrate on.
    """

    default_prefix = 'finest'

    def __init__(
        self,
        tree: LabelTree | str | Path | Mapping,
        target: float = 0.9,
        thresholds: Sequence[float | None] | None = None,
        path: str | Path | None = None,
        min_accepted: int = 10,
        delta: float | None = None,
        each_view: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(tree, **kwargs)
        if thresholds is not None and len(thresholds) != self.tree.num_levels:
            raise ValueError(
                f'{len(thresholds)} thresholds for the levels '
                f'{", ".join(self.tree.levels)}: give one a level'
            )
        if not 0 < target <= 1:
            raise ValueError(
                f'target is a share, over 0 and up to 1, but got {target}'
            )
        if each_view and delta is not None:
            raise ValueError('each_view and delta cannot be had together')
        self.target = target
        self.thresholds = thresholds
        self.path = None if path is None else Path(path)
        self.min_accepted = min_accepted
        self.delta = delta
        self.each_view = each_view

    def compute_metrics(self, results: list[LevelRecord]) -> dict[str, float]:
        """Judge the answers; write the file where one is asked for."""
        self.check_results(results)
        confidence = torch.stack([r.confidence for r in results])
        correct = torch.stack([r.predicted == r.target for r in results])
        images = _images(results)
        options = dict(
            min_accepted=self.min_accepted,
            delta=self.delta,
            rows_per_image=max(Counter(images).values()),
            groups=_groups(results) if self.each_view else None,
        )
        in_second = split_images(images)

        def answer(target: float) -> Tensor:
            return two_fold_levels(
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
                    lambda t: answer_measures(answer(t), correct, names)
                )
            self._write(report)
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
            for name, value in answer_measures(
                levels[own], correct[own], self.tree.levels
            ).items()
        }
        how = (
            f'target {self.target:.1%}'
            + (' in each view' if self.each_view else '')
            + ', two-fold'
            if self.thresholds is None
            else 'thresholds as given'
        )
        table = answer_table(metrics, list(rows), self.tree.levels, how)
        print_log('\n' + table_text(table), logger='current')
        return metrics

    def _describe(
        self, confidence: Tensor, correct: Tensor, options: Mapping
    ) -> dict[str, Any]:
        """What the file holds of the calibration on all images."""
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
            'delta': self.delta,
            'each_view': self.each_view,
            'curves': level_curves(confidence, correct, self.tree.levels),
        }

    def _write(self, report: Mapping[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(
            never_as_none(report), ensure_ascii=False, allow_nan=False
        )
        self.path.write_text(text + '\n', encoding='utf-8')
        print_log(f'Calibration written to {self.path}', logger='current')


def _groups(results: Sequence[LevelRecord]) -> Tensor:
    """Index of the view of each record, ``(N,)``."""
    views = sorted({record.view for record in results})
    return torch.tensor([views.index(record.view) for record in results])


def _images(results: Sequence[LevelRecord]) -> list[Hashable]:
    """What tells the images apart, for each record."""
    if all(record.image is not None for record in results):
        return [record.image for record in results]
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
