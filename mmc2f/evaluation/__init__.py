"""Measures of predictions."""

from mmc2f.evaluation.functional import hierarchical_accuracy
from mmc2f.evaluation.metrics import HierarchicalAccuracy

__all__ = ['HierarchicalAccuracy', 'hierarchical_accuracy']
