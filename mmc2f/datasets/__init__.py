"""Datasets, their transforms and samplers."""

from mmc2f.datasets.grocery_store import GroceryStore
from mmc2f.datasets.image_folder import ImageFolder
from mmc2f.datasets.samplers import PKSampler
from mmc2f.datasets.transforms import AddHierarchyLabels, LoadImage

__all__ = [
    'AddHierarchyLabels',
    'GroceryStore',
    'ImageFolder',
    'LoadImage',
    'PKSampler',
]
