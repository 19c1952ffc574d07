"""Transforms for any dataset's pipeline."""

from mmc2f.datasets.transforms.add_hierarchy_labels import AddHierarchyLabels
from mmc2f.datasets.transforms.degrade_resolution import DegradeResolution
from mmc2f.datasets.transforms.load_image import LoadImage

__all__ = ['AddHierarchyLabels', 'DegradeResolution', 'LoadImage']
