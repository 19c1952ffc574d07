"""Data structures that the parts hand to one another."""

from mmc2f.structures.input_geometry import InputGeometry
from mmc2f.structures.label_tree import LabelTree
from mmc2f.structures.level_scores import (
    finest_confident_level,
    sum_to_levels,
)
from mmc2f.structures.predicted_boxes import predicted_boxes
from mmc2f.structures.regions import Regions
from mmc2f.structures.to_det_data_sample import to_det_data_sample

__all__ = [
    'InputGeometry',
    'LabelTree',
    'Regions',
    'finest_confident_level',
    'predicted_boxes',
    'sum_to_levels',
    'to_det_data_sample',
]
