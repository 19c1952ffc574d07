"""Pure functions that measure."""

from mmc2f.evaluation.functional.hierarchical_accuracy import (
    hierarchical_accuracy,
    predict_levels,
)
from mmc2f.evaluation.functional.hierarchical_distance import (
    hierarchical_distance,
)
from mmc2f.evaluation.functional.level_consistency import level_consistency
from mmc2f.evaluation.functional.level_scores import sum_to_levels
from mmc2f.evaluation.functional.rerank_accuracy import (
    rerank_accuracy,
    topk_hits,
)

__all__ = [
    'hierarchical_accuracy',
    'hierarchical_distance',
    'level_consistency',
    'predict_levels',
    'rerank_accuracy',
    'sum_to_levels',
    'topk_hits',
]
