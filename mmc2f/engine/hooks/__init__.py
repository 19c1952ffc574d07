from .atomic_checkpoint_hook import AtomicCheckpointHook
from .class_count_hook import ClassCountHook
from .finite_loss_hook import DivergedError, FiniteLossHook
from .plain_checkpoint_hook import PlainCheckpointHook
from .rerank_hook import ReRankHook
from .training_stage_hook import TrainingStageHook

__all__ = [
    'AtomicCheckpointHook',
    'ClassCountHook',
    'DivergedError',
    'FiniteLossHook',
    'PlainCheckpointHook',
    'ReRankHook',
    'TrainingStageHook',
]
