"""Measures of predictions."""

from mmc2f.evaluation.functional import (
    calibrate_level_thresholds,
    coverage_accuracy,
    finest_confident_level,
    hierarchical_accuracy,
    hierarchical_distance,
    level_consistency,
    rerank_accuracy,
    sum_to_levels,
)
from mmc2f.evaluation.metrics import (
    FinestConfidentLevel,
    HierarchicalAccuracy,
    MultiResolutionMetric,
    ReRankMetric,
)
from mmc2f.evaluation.rerank_table import rerank_table
from mmc2f.evaluation.resolution_curves import (
    ResolutionCurves,
    measure_curves,
)
from mmc2f.evaluation.search_resolutions import search_resolutions

__all__ = [
    'FinestConfidentLevel',
    'HierarchicalAccuracy',
    'MultiResolutionMetric',
    'ReRankMetric',
    'ResolutionCurves',
    'calibrate_level_thresholds',
    'coverage_accuracy',
    'finest_confident_level',
    'hierarchical_accuracy',
    'hierarchical_distance',
    'level_consistency',
    'measure_curves',
    'rerank_accuracy',
    'rerank_table',
    'search_resolutions',
    'sum_to_levels',
]
