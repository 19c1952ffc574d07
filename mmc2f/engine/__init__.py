"""Hooks and loops for MMEngine's runner."""

from .hooks import (
    AtomicCheckpointHook,
    ClassCountHook,
    PlainCheckpointHook,
    ReRankHook,
    TrainingStageHook,
)
from .loops import StagedTrainLoop
from .training_stage import ScheduledStage, TrainingStage, build_stages

__all__ = [
    'AtomicCheckpointHook',
    'ClassCountHook',
    'PlainCheckpointHook',
    'ReRankHook',
    'ScheduledStage',
    'StagedTrainLoop',
    'TrainingStage',
    'TrainingStageHook',
    'build_stages',
]
