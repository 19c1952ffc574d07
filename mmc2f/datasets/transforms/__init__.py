"""Transforms for any dataset's pipeline."""

from mmc2f.datasets.transforms.add_hierarchy_labels import AddHierarchyLabels

__all__ = ['AddHierarchyLabels']
