"""Metrics that gather predictions and call the pure functions."""

from mmc2f.evaluation.metrics.hierarchical_accuracy import (
    HierarchicalAccuracy,
)

__all__ = ['HierarchicalAccuracy']
