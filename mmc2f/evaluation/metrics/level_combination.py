"""Metric that finds how to combine the classifiers of the levels."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmc2f.evaluation.functional.calibrate_level_weights import (
    LevelWeight,
    calibrate_level_weights,
)
from mmc2f.evaluation.metrics.multi_level_metric import MultiLevelMetric
from mmc2f.files import write_json
from mmc2f.registry import METRICS
from mmc2f.structures import LabelTree

__all__ = ['LevelCombination']


@METRICS.register_module()
class LevelCombination(MultiLevelMetric):
    """Own classifier, finest probabilities, or both: what answers a level.

    The choice is that of :func:`calibrate_level_weights`, each level by the
    images whose ``level`` it is. Test a head with ``combine='none'``, on
    images that it was not trained on and that are no test images. For each
    level but the finest:

    * ``{level}_own_top1``, ``{level}_implied_top1``,
      ``{level}_marginal_top1``: percent right by the level's own classifier,
      by the class that holds the finest answer, by summed probabilities,
    * ``{level}_combined_top1``: by the chosen combination, which is judged
      on the images that it was chosen on.

    Fields and errors are those of :class:`MultiLevelMetric`.

    Args:
        tree: Hierarchy, as :meth:`LabelTree.build` takes it.
        path: JSON file to write, with ``level_weights`` and
            ``level_sharpness`` as ``mmc2f.HierarchicalHead`` takes them
            (an infinite sharpness as the string ``'inf'``), and the figures.
        **kwargs: Of MMEngine's ``BaseMetric``.
    """

    default_prefix = 'combination'

    def __init__(
        self,
        tree: LabelTree | str | Path | Mapping,
        path: str | Path | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(tree, **kwargs)
        self.path = None if path is None else Path(path)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the log probabilities and the truth of every level."""
        self.results += [
            _Scores(
                int(sample.get('level') or 0),
                # Where a probability is 0 the logarithm is finite.
                [_log(scores) for scores in self._scores(sample)],
                self._target(sample),
            )
            for sample in data_samples
        ]

    def compute_metrics(self, results: list[tuple]) -> dict[str, float]:
        """Choose; write the file where one is asked for."""
        self.check_results(results)
        # The host makes plain tuples of named ones.
        levels, scores, targets = zip(*results, strict=True)
        choices = calibrate_level_weights(
            [torch.stack(own) for own in zip(*scores, strict=True)],
            torch.stack(targets),
            self.tree,
            torch.tensor(levels),
        )
        metrics = {}
        for name, choice in list(zip(self.tree.levels, choices, strict=True))[
            1:
        ]:
            metrics[f'{name}_own_top1'] = choice.own
            metrics[f'{name}_implied_top1'] = choice.implied
            metrics[f'{name}_marginal_top1'] = choice.marginal
            metrics[f'{name}_combined_top1'] = choice.accuracy
        if self.path is not None:
            self._write(self.path, choices)
        return metrics

    def _write(self, path: Path, choices: Sequence[LevelWeight]) -> None:
        sharpness = [
            'inf' if c.sharpness == float('inf') else c.sharpness
            for c in choices
        ]
        report = {
            'levels': list(self.tree.levels),
            'level_weights': [c.weight for c in choices],
            'level_sharpness': sharpness,
            'choices': [
                {**asdict(c), 'sharpness': s}
                for c, s in zip(choices, sharpness, strict=True)
            ],
        }
        write_json(path, report)
        print_log(f'Combination written to {path}', logger='current')


class _Scores(NamedTuple):
    level: int
    scores: list[Tensor]
    target: Tensor


def _log(scores: Tensor) -> Tensor:
    scores = scores.double()
    return scores.clamp(min=torch.finfo(scores.dtype).tiny).log()
