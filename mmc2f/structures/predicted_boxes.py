"""The regions of a classifier as the boxes of a detector, or of mmdet."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor

from mmc2f.optional import COMPILED_OPS, MMDET, require
from mmc2f.structures.input_geometry import InputGeometry

if TYPE_CHECKING:
    from mmdet.structures import DetDataSample

__all__ = ['predicted_boxes', 'to_det_data_sample']

#: What mmdet's samples carry too.
META = ('img_path', 'sample_idx', 'ori_shape', 'img_shape', 'scale_factor')


def predicted_boxes(
    data_sample: BaseDataElement | Mapping[str, Any],
    in_original: bool = True,
) -> InstanceData:
    """Boxes, classes and scores from a prediction of CCFR.

    No box was ever shown to the model, so these are not the boxes of a
    trained detector. The class of each is the one that the whole image was
    given. The score is (score of that class) * sigmoid(score that the
    navigator gave the region): it orders the boxes, but is not the
    probability that a box holds the object. The boxes have the few sizes of
    the anchors and tend to lie on parts of the object.

    Args:
        data_sample: As CCFR gives it, re-ranked or not; also as a dict.
        in_original: Boxes in pixels of the original image, which they do not
            leave. Otherwise in pixels of the model's input, as they are.

    Returns:
        ``bboxes (R, 4)`` (x1, y1, x2, y2), ``scores (R,)`` and
        ``labels (R,)`` on the CPU, in the order of the regions.

    Raises:
        ValueError: The sample has no regions or no class, or the original
            pixels are asked for and not known.
    """
    image = data_sample.get('img_path') or 'a prediction'
    for name in ('regions', 'region_scores', 'pred_label', 'pred_score'):
        if name not in data_sample:
            raise ValueError(
                f'{image} has no {name!r}: boxes come from a classifier that '
                'chooses regions, such as mmc2f.CCFR'
            )
    # A dict knows as little as a sample of the types of its fields.
    read: Callable[[str], Any] = data_sample.get
    regions, navigator, scores = (
        read(name).detach().float().cpu()
        for name in ('regions', 'region_scores', 'pred_score')
    )
    label = int(read('pred_label'))
    if in_original:
        geometry = InputGeometry.from_meta(data_sample)
        regions = clip_boxes(
            geometry.boxes_to_original(regions), geometry.original_size
        )
    return InstanceData(
        bboxes=regions,
        scores=scores[label] * navigator.sigmoid(),
        labels=torch.full((len(regions),), label),
    )


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


def clip_boxes(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """The part of boxes ``(..., 4)`` in an image of ``size`` (H, W)."""
    x, y = boxes[..., 0::2], boxes[..., 1::2]
    clipped = torch.empty_like(boxes)
    clipped[..., 0::2] = x.clamp(0, size[1])
    clipped[..., 1::2] = y.clamp(0, size[0])
    return clipped
