"""Pure functions that measure."""

from mmc2f.evaluation.functional.box_hits import (
    BoxHits,
    box_hits,
    covered_share,
    hit_rates,
)
from mmc2f.evaluation.functional.calibrate_level_thresholds import (
    calibrate_level_thresholds,
    cross_validated_levels,
    split_images,
)
from mmc2f.evaluation.functional.calibrate_level_weights import (
    LevelWeight,
    calibrate_level_weights,
)
from mmc2f.evaluation.functional.confusion import (
    ErrorShares,
    confusion_of_records,
    error_shares,
)
from mmc2f.evaluation.functional.coverage_accuracy import (
    coverage_accuracy,
    selective_accuracy,
)
from mmc2f.evaluation.functional.hierarchical_measures import (
    hierarchical_accuracy,
    hierarchical_distance,
    level_accuracy,
    level_consistency,
    predict_levels,
)
from mmc2f.evaluation.functional.paired_bootstrap import (
    PairedGain,
    paired_bootstrap,
)
from mmc2f.evaluation.functional.rerank_accuracy import (
    rerank_accuracy,
    topk_hits,
)

__all__ = [
    'BoxHits',
    'ErrorShares',
    'LevelWeight',
    'PairedGain',
    'box_hits',
    'calibrate_level_thresholds',
    'calibrate_level_weights',
    'confusion_of_records',
    'coverage_accuracy',
    'covered_share',
    'cross_validated_levels',
    'error_shares',
    'hierarchical_accuracy',
    'hierarchical_distance',
    'hit_rates',
    'level_accuracy',
    'level_consistency',
    'paired_bootstrap',
    'predict_levels',
    'rerank_accuracy',
    'selective_accuracy',
    'split_images',
    'topk_hits',
]
