"""Hooks and loops for MMEngine's runner."""

from .hooks import (
    AtomicCheckpointHook,
    ClassCountHook,
    PlainCheckpointHook,
    ReRankHook,
    TrainingStageHook,
)
from .loops import StagedTrainLoop
from .stop_signals import Interrupted, StopSignals
from .training_stage import ScheduledStage, TrainingStage, build_stages

__all__ = [
    'AtomicCheckpointHook',
    'ClassCountHook',
    'Interrupted',
    'PlainCheckpointHook',
    'ReRankHook',
    'ScheduledStage',
    'StagedTrainLoop',
    'StopSignals',
    'TrainingStage',
    'TrainingStageHook',
    'build_stages',
]
