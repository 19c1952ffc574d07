"""Writes the regions as boxes in COCO's format."""

from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log

from mmc2f.datasets.resolution_view import of_first_view
from mmc2f.evaluation.metrics.box_metric import BoxMetric
from mmc2f.files import write_json
from mmc2f.registry import METRICS
from mmc2f.structures import predicted_boxes

__all__ = ['CocoBoxWriter']

#: Decimal places of pixels and of scores.
BOX_DIGITS, SCORE_DIGITS = 2, 6


@METRICS.register_module()
class CocoBoxWriter(BoxMetric):
    """Writes the boxes of a model that was trained on class labels only.

    Two files, neither of which needs mmdet or pycocotools:

    * ``path``: COCO's list of results, ``image_id``, ``category_id``,
      ``bbox`` (x, y, width, height in pixels of the original image) and
      ``score`` of each box;
    * ``path`` with ``_images`` before its suffix: the ``images`` and
      ``categories`` that the ids mean, with an empty list of annotations.
      ``pycocotools.coco.COCO(this file).loadRes(path)`` loads both.

    See :func:`predicted_boxes` for the meaning of class and score. Ids start
    at 1: images in the order of the test, categories in class order. Of
    several views of an image the first is used.

    It is a metric because a metric sees the predictions of all ranks, each
    image once; it measures nothing.

    Args:
        path: File to write, ``*.json``; its folder is created.
        data_root: Images are named relative to it. ``None``: as the data
            set names them.
        **kwargs: Of MMEngine's ``BaseMetric``.

    Raises:
        ValueError: ``path`` does not end with ``.json``.
    """

    def __init__(
        self,
        path: str | Path,
        data_root: str | Path | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{'prefix': 'coco', **kwargs})
        self.path = Path(path)
        self.data_root = data_root
        if self.path.suffix != '.json':
            raise ValueError(
                f'path of CocoBoxWriter must end with .json, got {path}'
            )

    @property
    def images_path(self) -> Path:
        """File of the images and categories."""
        return self.path.with_stem(f'{self.path.stem}_images')

    def _record(self, sample: dict) -> dict[str, Any]:
        """An image and its boxes, without ids."""
        boxes = predicted_boxes(sample)
        name = Path(sample['img_path'])
        if self.data_root is not None and name.is_relative_to(self.data_root):
            name = name.relative_to(self.data_root)
        height, width = sample['ori_shape']
        corners = boxes.bboxes.double()
        sizes = corners[:, 2:] - corners[:, :2]
        rows = torch.cat([corners[:, :2], sizes], dim=1).tolist()
        return {
            'image': {
                'file_name': name.as_posix(),
                'width': int(width),
                'height': int(height),
            },
            'boxes': [
                {
                    'category_id': label + 1,
                    'bbox': [round(x, BOX_DIGITS) for x in row],
                    'score': round(score, SCORE_DIGITS),
                }
                for row, label, score in zip(
                    rows,
                    boxes.labels.tolist(),
                    boxes.scores.tolist(),
                    strict=True,
                )
            ],
        }

    def compute_metrics(
        self, results: list[tuple[str | None, dict]]
    ) -> dict[str, float]:
        """Write both files.

        Returns:
            ``images`` and ``boxes``, their numbers.

        Raises:
            ValueError: The data set names no classes.
        """
        classes = (self.dataset_meta or {}).get('classes')
        if not classes:
            raise ValueError(
                'COCO boxes have named categories, but the data set names no '
                'classes: give it metainfo=dict(classes=[...])'
            )
        records = of_first_view(results)
        boxes = [
            {'image_id': i, **box}
            for i, record in enumerate(records, start=1)
            for box in record['boxes']
        ]
        meaning = {
            'info': {'description': 'Regions of a classifier, not annotated'},
            'images': [
                {'id': i, **record['image']}
                for i, record in enumerate(records, start=1)
            ],
            'categories': [
                {'id': i, 'name': name}
                for i, name in enumerate(classes, start=1)
            ],
            'annotations': [],
        }
        write_json(self.path, boxes)
        write_json(self.images_path, meaning)
        print_log(f'Boxes written to {self.path}', logger='current')
        # Floats: the host's log drops integers from its files.
        return {'images': float(len(records)), 'boxes': float(len(boxes))}
