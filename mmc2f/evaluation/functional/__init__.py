"""Pure functions that measure."""

from mmc2f.evaluation.functional.hierarchical_accuracy import (
    hierarchical_accuracy,
    predict_levels,
)

__all__ = ['hierarchical_accuracy', 'predict_levels']
