"""Measures of predictions."""

from mmc2f.evaluation.functional import hierarchical_accuracy, rerank_accuracy
from mmc2f.evaluation.metrics import HierarchicalAccuracy, ReRankMetric
from mmc2f.evaluation.rerank_table import rerank_table
from mmc2f.evaluation.search_resolutions import search_resolutions

__all__ = [
    'HierarchicalAccuracy',
    'ReRankMetric',
    'hierarchical_accuracy',
    'rerank_accuracy',
    'rerank_table',
    'search_resolutions',
]
