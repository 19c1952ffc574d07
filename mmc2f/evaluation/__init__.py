"""Measures of predictions."""

from mmc2f.evaluation.functional import (
    box_hits,
    calibrate_level_thresholds,
    calibrate_level_weights,
    coverage_accuracy,
    hierarchical_accuracy,
    hierarchical_distance,
    hit_rates,
    level_consistency,
    paired_bootstrap,
    rerank_accuracy,
)
from mmc2f.evaluation.metrics import (
    CocoBoxWriter,
    FinestConfidentLevel,
    HierarchicalAccuracy,
    LevelCombination,
    MultiResolutionMetric,
    PartHitRate,
    ReRankMetric,
)
from mmc2f.evaluation.resolution_curves import (
    ResolutionCurves,
    measure_curves,
)
from mmc2f.evaluation.search_resolutions import search_resolutions
from mmc2f.evaluation.tables import rerank_table
from mmc2f.structures import finest_confident_level, sum_to_levels

__all__ = [
    'CocoBoxWriter',
    'FinestConfidentLevel',
    'HierarchicalAccuracy',
    'LevelCombination',
    'MultiResolutionMetric',
    'PartHitRate',
    'ReRankMetric',
    'ResolutionCurves',
    'box_hits',
    'calibrate_level_thresholds',
    'calibrate_level_weights',
    'coverage_accuracy',
    'finest_confident_level',
    'hierarchical_accuracy',
    'hierarchical_distance',
    'hit_rates',
    'level_consistency',
    'measure_curves',
    'paired_bootstrap',
    'rerank_accuracy',
    'rerank_table',
    'search_resolutions',
    'sum_to_levels',
]
