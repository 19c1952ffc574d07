"""What metrics of several levels and resolutions have in common."""

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from mmc2f.structures import LabelTree, sum_to_levels
from mmc2f.structures.level_scores import check_scores

__all__ = ['LevelRecord', 'MultiLevelMetric', 'TreeMetric']

#: View of samples that name none.
ORIGINAL = 'original'


@dataclass(frozen=True, eq=False)
class LevelRecord:
    """What a metric keeps of one image in one resolution.

    Not a named tuple, which MMEngine would turn into a plain tuple.

    Args:
        view: Name of the resolution.
        level: The level that this resolution is meant for.
        image: Path of the image, ``None`` where it has none.
        confidence: ``(L,)`` greatest score of each level, float64.
        predicted: ``(L,)`` class with that score; of equal scores the first.
        target: ``(L,)`` true class of each level.
    """

    view: str
    level: int
    image: str | None
    confidence: Tensor
    predicted: Tensor
    target: Tensor


class TreeMetric(BaseMetric, ABC):
    """A metric for data whose classes are those of a label tree.

    Args:
        tree: Hierarchy, as :meth:`LabelTree.build` takes it; ``None``: none.
        **kwargs: Of MMEngine's ``BaseMetric``.
    """

    def __init__(
        self,
        tree: LabelTree | str | Path | Mapping | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.tree = None if tree is None else LabelTree.build(tree)

    @BaseMetric.dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict | None) -> None:
        """Take the dataset's classes, which must be the tree's."""
        classes = (dataset_meta or {}).get('classes')
        if self.tree is not None and classes is not None:
            self.tree.check_class_names(classes, 'the dataset')
        self._dataset_meta = dataset_meta


class MultiLevelMetric(TreeMetric):
    """Reads the prediction of every level from the data samples.

    Scores of the levels are ``level_scores`` of ``mmc2f.HierarchicalHead``.
    For a model without such a head its probabilities are summed, see
    :func:`sum_to_levels`: ``coarse_score`` where there is one, since a
    re-ranked ``pred_score`` is not a probability, else ``pred_score``.

    True classes are ``gt_label_levels (L,)``; a sample of level 0 may have
    only ``gt_label``. ``view``, ``level`` and ``img_path`` may be absent:
    the view is then ``'original'`` and the level 0.

    Args:
        tree: Hierarchy, as :meth:`LabelTree.build` takes it.
        **kwargs: Of MMEngine's ``BaseMetric``.

    Raises:
        ValueError: The dataset's levels or classes are not those of the
            tree; a sample lacks a field; its scores are NaN or of other
            classes; its labels do not lie in one another.
    """

    tree: LabelTree

    def __init__(
        self, tree: LabelTree | str | Path | Mapping, **kwargs: Any
    ) -> None:
        super().__init__(tree, **kwargs)
        self._ancestors = torch.stack(
            [self.tree.ancestors(level) for level in self.tree.levels]
        )

    @TreeMetric.dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict | None) -> None:
        """Take the dataset's levels and classes, which must be the tree's."""
        TreeMetric.dataset_meta.fset(self, dataset_meta)
        meta = dataset_meta or {}
        if meta.get('level_classes') is not None:
            self._check_levels(meta.get('levels'), meta['level_classes'])

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep confidence, prediction and target of every level."""
        self.results += [self._record(sample) for sample in data_samples]

    def check_results(self, results: Sequence[object]) -> None:
        """Check that there is something to judge.

        Raises:
            ValueError: There is not.
        """
        if not results:
            raise ValueError(
                f'{type(self).__name__} got no prediction: is the test set '
                'empty?'
            )

    def _record(self, sample: dict) -> LevelRecord:
        best = [scores.double().max(dim=0) for scores in self._scores(sample)]
        return LevelRecord(
            view=str(sample.get('view') or ORIGINAL),
            level=int(sample.get('level') or 0),
            image=sample.get('img_path'),
            confidence=torch.stack([b.values for b in best]),
            predicted=torch.stack([b.indices for b in best]),
            target=self._target(sample),
        )

    def _scores(self, sample: dict) -> list[Tensor]:
        """Scores ``(C_i,)`` of every level."""
        if 'level_scores' in sample:
            levels = [scores.cpu() for scores in sample['level_scores']]
            if len(levels) != self.tree.num_levels:
                raise ValueError(
                    f'{_image(sample)} has level_scores of {len(levels)} '
                    'levels, but those of the hierarchy are '
                    + ', '.join(self.tree.levels)
                )
            for level, scores in enumerate(levels):
                self._check_scores(sample, scores, level)
            return levels
        name = next(
            (n for n in ('coarse_score', 'pred_score') if n in sample), None
        )
        if name is None:
            raise ValueError(
                f'{_image(sample)} has none of level_scores, coarse_score '
                'and pred_score; it has ' + ', '.join(sorted(sample))
            )
        scores = sample[name].cpu()
        self._check_scores(sample, scores, 0)
        return [s[0] for s in sum_to_levels(scores[None], self.tree)]

    def _check_scores(self, sample: dict, scores: Tensor, level: int) -> None:
        try:
            check_scores(scores[None], self.tree, level)
        except ValueError as error:
            raise ValueError(f'{_image(sample)}: {error}') from None

    def _target(self, sample: dict) -> Tensor:
        """True class of every level ``(L,)``."""
        if 'gt_label_levels' in sample:
            target = sample['gt_label_levels'].cpu().flatten()
        elif not sample.get('level') and 'gt_label' in sample:
            target = sample['gt_label'].cpu().flatten()
        else:
            raise ValueError(
                f'{_image(sample)} has no gt_label_levels; it has '
                + ', '.join(sorted(sample))
                + '. Have them packed: dict(type="PackInputs", '
                'algorithm_keys=["gt_label_levels"])'
            )
        finest = int(target[0]) if len(target) else -1
        if not 0 <= finest < self.tree.num_classes():
            raise ValueError(
                f'{_image(sample)} has class {finest}, but level '
                f'{self.tree.levels[0]!r} has {self.tree.num_classes()}'
            )
        expected = self._ancestors[:, finest]
        if 'gt_label_levels' in sample and not target.equal(expected):
            raise ValueError(
                f'{_image(sample)} has gt_label_levels {target.tolist()}, '
                f'but class {finest} of level {self.tree.levels[0]!r} is '
                f'{expected.tolist()} in the hierarchy: give the data set '
                'and the metric the same tree'
            )
        return expected

    def _check_levels(
        self,
        levels: Sequence[str] | None,
        level_classes: Sequence[Sequence[str]],
    ) -> None:
        """Check what ``mmc2f.MultiResolutionDataset`` says of its levels."""
        described = len(level_classes) if levels is None else list(levels)
        if len(level_classes) != self.tree.num_levels or (
            levels is not None and tuple(levels) != self.tree.levels
        ):
            raise ValueError(
                f'the dataset has the levels {described}, but the hierarchy '
                f'has {list(self.tree.levels)}: give both the same tree'
            )
        own = [self.tree.names(level) for level in self.tree.levels]
        for name, given, names in zip(
            self.tree.levels, level_classes, own, strict=True
        ):
            same_in_another_order = sorted(given) == sorted(names) and tuple(
                given
            ) != tuple(names)
            if len(given) != len(names) or same_in_another_order:
                raise ValueError(
                    f'the classes of level {name!r} are not the same in the '
                    f'dataset ({len(given)}) and in the hierarchy '
                    f'({len(names)}), or stand in another order: give both '
                    'the same tree'
                )


def _image(sample: dict) -> str:
    path = sample.get('img_path')
    return 'a data sample' if path is None else f'image {path}'
