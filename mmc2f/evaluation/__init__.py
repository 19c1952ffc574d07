"""Measures of predictions."""

from mmc2f.evaluation.functional import (
    hierarchical_accuracy,
    hierarchical_distance,
    level_consistency,
    rerank_accuracy,
    sum_to_levels,
)
from mmc2f.evaluation.metrics import (
    HierarchicalAccuracy,
    MultiResolutionMetric,
    ReRankMetric,
)
from mmc2f.evaluation.rerank_table import rerank_table
from mmc2f.evaluation.search_resolutions import search_resolutions

__all__ = [
    'HierarchicalAccuracy',
    'MultiResolutionMetric',
    'ReRankMetric',
    'hierarchical_accuracy',
    'hierarchical_distance',
    'level_consistency',
    'rerank_accuracy',
    'rerank_table',
    'search_resolutions',
    'sum_to_levels',
]
