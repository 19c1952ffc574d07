"""Datasets, their transforms and samplers."""

from mmc2f.datasets.grocery_store import GroceryStore
from mmc2f.datasets.hold_out import hold_out
from mmc2f.datasets.image_folder import ImageFolder
from mmc2f.datasets.image_table import ImageTable
from mmc2f.datasets.multi_resolution_dataset import MultiResolutionDataset
from mmc2f.datasets.open_dataset import OpenDataset
from mmc2f.datasets.samplers import PKSampler, RoundRobinBatchSampler
from mmc2f.datasets.seeded_samples import seed_samples
from mmc2f.datasets.transforms import (
    AddHierarchyLabels,
    DegradeResolution,
    LoadImage,
)

__all__ = [
    'AddHierarchyLabels',
    'DegradeResolution',
    'GroceryStore',
    'ImageFolder',
    'ImageTable',
    'LoadImage',
    'MultiResolutionDataset',
    'OpenDataset',
    'PKSampler',
    'RoundRobinBatchSampler',
    'hold_out',
    'seed_samples',
]
