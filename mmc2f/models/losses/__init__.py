"""Losses: a pure function each, and a thin registered module on it."""

from .cosine_triplet_loss import (
    CosineTripletLoss,
    cosine_triplet_loss,
    mine_triplets,
)
from .multi_level_loss import MultiLevelLoss, multi_level_loss
from .navigator_ranking_loss import (
    NavigatorRankingLoss,
    navigator_ranking_loss,
    region_triplet_margin,
)

__all__ = [
    'CosineTripletLoss',
    'MultiLevelLoss',
    'NavigatorRankingLoss',
    'cosine_triplet_loss',
    'mine_triplets',
    'multi_level_loss',
    'navigator_ranking_loss',
    'region_triplet_margin',
]
