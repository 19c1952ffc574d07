"""Candidate regions: anchors, the choice among them, crops."""

from .anchor_generator import AnchorGenerator
from .anchor_grid import AnchorGrid
from .anchor_set import AnchorSet
from .batched_nms import BatchedNMS
from .prior_anchors import PriorAnchors
from .region_cropper import RegionCropper
from .scale_separated_nms import (
    ScaleSeparatedNMS,
    iou_suppression,
    topk_nms,
)

__all__ = [
    'AnchorGenerator',
    'AnchorGrid',
    'AnchorSet',
    'BatchedNMS',
    'PriorAnchors',
    'RegionCropper',
    'ScaleSeparatedNMS',
    'iou_suppression',
    'topk_nms',
]
