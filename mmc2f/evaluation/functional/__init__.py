"""Pure functions that measure."""

from mmc2f.evaluation.functional.hierarchical_accuracy import (
    hierarchical_accuracy,
    predict_levels,
)
from mmc2f.evaluation.functional.rerank_accuracy import (
    rerank_accuracy,
    topk_hits,
)

__all__ = [
    'hierarchical_accuracy',
    'predict_levels',
    'rerank_accuracy',
    'topk_hits',
]
