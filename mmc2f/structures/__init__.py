"""Data structures that the parts hand to one another."""

from mmc2f.structures.label_tree import LabelTree

__all__ = ['LabelTree']
