"""Data structures that the parts hand to one another."""

from mmc2f.structures.combine_levels import combine_levels
from mmc2f.structures.input_geometry import InputGeometry
from mmc2f.structures.label_tree import LabelTree
from mmc2f.structures.level_scores import (
    finest_confident_level,
    sum_to_levels,
)
from mmc2f.structures.predicted_boxes import (
    predicted_boxes,
    to_det_data_sample,
)
from mmc2f.structures.regions import Embedded, Regions

__all__ = [
    'Embedded',
    'InputGeometry',
    'LabelTree',
    'Regions',
    'combine_levels',
    'finest_confident_level',
    'predicted_boxes',
    'sum_to_levels',
    'to_det_data_sample',
]
