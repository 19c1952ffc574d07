"""Predictions for mmdet's tools."""

from typing import TYPE_CHECKING

from mmengine.structures import BaseDataElement

from mmc2f.optional import COMPILED_OPS, MMDET, require
from mmc2f.structures.predicted_boxes import predicted_boxes

if TYPE_CHECKING:
    from mmdet.structures import DetDataSample

__all__ = ['to_det_data_sample']

#: What mmdet's samples carry too.
META = ('img_path', 'sample_idx', 'ori_shape', 'img_shape', 'scale_factor')


def to_det_data_sample(
    data_sample: BaseDataElement, in_original: bool = True
) -> 'DetDataSample':
    """A prediction of CCFR as mmdet's ``DetDataSample``.

    mmdet's ``DetLocalVisualizer`` draws it on the original image, or, without
    ``in_original``, on the model's input. What class and score of a box mean
    here: :func:`predicted_boxes`.

    Args:
        data_sample: As CCFR gives it, re-ranked or not.
        in_original: Boxes in pixels of the original image, as mmdet's
            predictions are; otherwise of the model's input.

    Returns:
        A sample with ``pred_instances``: ``bboxes (R, 4)`` (x1, y1, x2, y2),
        ``scores (R,)`` and ``labels (R,)``.

    Raises:
        ImportError: mmdet is not installed, or mmcv has not the ops that it
            needs; says the command.
        ValueError: As :func:`predicted_boxes`.
    """
    require('to_det_data_sample', MMDET, COMPILED_OPS)
    from mmdet.structures import DetDataSample

    meta = {
        name: value
        for name, value in data_sample.metainfo.items()
        if name in META
    }
    sample = DetDataSample(metainfo=meta)
    sample.pred_instances = predicted_boxes(data_sample, in_original)
    return sample
