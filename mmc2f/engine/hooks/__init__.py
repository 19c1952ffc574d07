from .class_count_hook import ClassCountHook
from .rerank_hook import ReRankHook
from .training_stage_hook import TrainingStageHook

__all__ = ['ClassCountHook', 'ReRankHook', 'TrainingStageHook']
