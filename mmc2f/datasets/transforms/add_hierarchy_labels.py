"""Labels of all levels from the label of the finest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmcv.transforms import BaseTransform

from mmc2f.registry import TRANSFORMS
from mmc2f.structures import LabelTree

__all__ = ['AddHierarchyLabels']


@TRANSFORMS.register_module()
class AddHierarchyLabels(BaseTransform):
    """Put the classes of a sample at every level of a hierarchy on it.

    Works with any dataset whose samples have one ``gt_label``. To carry the
    labels into the ``DataSample``, end the pipeline with
    ``dict(type='mmpretrain.PackInputs', algorithm_keys=['gt_label_levels'])``.

    Required key: ``gt_label`` (int), the class at the finest level.
    Added key: ``gt_label_levels``, ``(num_levels,)`` int64, the class at each
    of the levels asked for, in their order.

    Args:
        tree: Hierarchy, as :meth:`LabelTree.build` takes it.
        levels: Names or indices of the levels. ``None``: all, fine to coarse.

    Raises:
        ValueError: A sample has no single label or one that is outside the
            hierarchy. Names the image.
    """

    def __init__(
        self,
        tree: LabelTree | str | Path | Mapping,
        levels: Sequence[int | str] | None = None,
    ) -> None:
        self.tree = LabelTree.build(tree)
        self.levels = tuple(self.tree.levels if levels is None else levels)
        if not self.levels:
            raise ValueError('levels is empty: name at least one')
        self.table = torch.stack(
            [self.tree.ancestors(level) for level in self.levels]
        )

    def transform(self, results: dict) -> dict:
        """Add ``gt_label_levels`` to ``results``."""
        label: Any = results.get('gt_label')
        try:
            index = int(label)
        except (TypeError, ValueError):
            raise ValueError(
                f'{_image(results)} needs one class as gt_label, but has '
                f'{label!r}'
            ) from None
        if not 0 <= index < self.tree.num_classes():
            raise ValueError(
                f'{_image(results)} has gt_label {index}, but level '
                f'{self.tree.levels[0]!r} of the hierarchy has '
                f'{self.tree.num_classes()} classes'
            )
        results['gt_label_levels'] = self.table[:, index].clone()
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(tree={self.tree}, levels={self.levels})'


def _image(results: dict) -> str:
    return f'image {results.get("img_path", "(path unknown)")}'
