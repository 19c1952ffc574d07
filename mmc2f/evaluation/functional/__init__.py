"""Pure functions that measure."""

from mmc2f.evaluation.functional.answer_measures import answer_measures
from mmc2f.evaluation.functional.box_hits import (
    BoxHits,
    box_hits,
    covered_share,
    hit_rates,
)
from mmc2f.evaluation.functional.calibrate_level_thresholds import (
    calibrate_level_thresholds,
)
from mmc2f.evaluation.functional.coverage_accuracy import coverage_accuracy
from mmc2f.evaluation.functional.hierarchical_accuracy import (
    hierarchical_accuracy,
    predict_levels,
)
from mmc2f.evaluation.functional.hierarchical_distance import (
    hierarchical_distance,
)
from mmc2f.evaluation.functional.level_consistency import level_consistency
from mmc2f.evaluation.functional.paired_bootstrap import (
    PairedGain,
    paired_bootstrap,
)
from mmc2f.evaluation.functional.rerank_accuracy import (
    rerank_accuracy,
    topk_hits,
)
from mmc2f.evaluation.functional.two_fold_levels import (
    split_images,
    two_fold_levels,
)

__all__ = [
    'BoxHits',
    'PairedGain',
    'answer_measures',
    'box_hits',
    'calibrate_level_thresholds',
    'coverage_accuracy',
    'covered_share',
    'hierarchical_accuracy',
    'hierarchical_distance',
    'hit_rates',
    'level_consistency',
    'paired_bootstrap',
    'predict_levels',
    'rerank_accuracy',
    'split_images',
    'topk_hits',
    'two_fold_levels',
]
