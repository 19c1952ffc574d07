"""Metrics that gather predictions and call the pure functions."""

from mmc2f.evaluation.metrics.coco_box_writer import CocoBoxWriter
from mmc2f.evaluation.metrics.finest_confident_level import (
    FinestConfidentLevel,
)
from mmc2f.evaluation.metrics.hierarchical_accuracy import (
    HierarchicalAccuracy,
)
from mmc2f.evaluation.metrics.level_combination import LevelCombination
from mmc2f.evaluation.metrics.multi_resolution_metric import (
    MultiResolutionMetric,
)
from mmc2f.evaluation.metrics.part_hit_rate import PartHitRate
from mmc2f.evaluation.metrics.prediction_writer import PredictionWriter
from mmc2f.evaluation.metrics.rerank_metric import ReRankMetric

__all__ = [
    'CocoBoxWriter',
    'FinestConfidentLevel',
    'HierarchicalAccuracy',
    'LevelCombination',
    'MultiResolutionMetric',
    'PartHitRate',
    'PredictionWriter',
    'ReRankMetric',
]
