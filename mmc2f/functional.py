"""The equations as pure functions: tensors in, tensors out.

Each stands in the file of the component that uses it; this module gathers
them for use without configs, registries or models.
"""

from mmc2f.evaluation.functional import (
    calibrate_level_thresholds,
    coverage_accuracy,
    hierarchical_accuracy,
    hierarchical_distance,
    level_consistency,
    paired_bootstrap,
)
from mmc2f.evaluation.search_resolutions import search_resolutions
from mmc2f.models.losses import (
    cosine_triplet_loss,
    mine_triplets,
    multi_level_loss,
    navigator_ranking_loss,
    region_triplet_margin,
)
from mmc2f.models.necks import multilinear_pool, signed_sqrt_l2
from mmc2f.models.regions import iou_suppression, topk_nms
from mmc2f.retrieval import rerank, retrieval_scores
from mmc2f.structures import (
    combine_levels,
    finest_confident_level,
    sum_to_levels,
)

__all__ = [
    'calibrate_level_thresholds',
    'combine_levels',
    'cosine_triplet_loss',
    'coverage_accuracy',
    'finest_confident_level',
    'hierarchical_accuracy',
    'hierarchical_distance',
    'iou_suppression',
    'level_consistency',
    'mine_triplets',
    'multi_level_loss',
    'multilinear_pool',
    'navigator_ranking_loss',
    'paired_bootstrap',
    'region_triplet_margin',
    'rerank',
    'retrieval_scores',
    'search_resolutions',
    'signed_sqrt_l2',
    'sum_to_levels',
    'topk_nms',
]
