"""Candidate regions: anchors, the choice among them, crops."""

from .anchor_generator import AnchorGenerator
from .anchor_set import AnchorSet
from .region_cropper import RegionCropper
from .scale_separated_nms import (
    ScaleSeparatedNMS,
    iou_suppression,
    topk_nms,
)

__all__ = [
    'AnchorGenerator',
    'AnchorSet',
    'RegionCropper',
    'ScaleSeparatedNMS',
    'iou_suppression',
    'topk_nms',
]
