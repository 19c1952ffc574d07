"""Datasets, their transforms and samplers."""

from mmc2f.datasets.grocery_store import GroceryStore
from mmc2f.datasets.samplers import PKSampler
from mmc2f.datasets.transforms import AddHierarchyLabels, LoadImage

__all__ = ['AddHierarchyLabels', 'GroceryStore', 'LoadImage', 'PKSampler']
