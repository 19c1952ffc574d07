"""Data structures that the parts hand to one another."""

from mmc2f.structures.label_tree import LabelTree
from mmc2f.structures.regions import Regions

__all__ = ['LabelTree', 'Regions']
