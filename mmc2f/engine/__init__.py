"""A runner for MMEngine, and hooks and loops for it."""

from .build_runner import build_runner
from .clip_by_part import ClipByPart, PartOptimWrapperConstructor
from .hooks import (
    AtomicCheckpointHook,
    CascadeHook,
    ClassCountHook,
    DivergedError,
    DuplicateImagesHook,
    FiniteLossHook,
    LiveLineHook,
    PictureHook,
    PlainCheckpointHook,
    ReRankHook,
    TrainingStageHook,
)
from .loops import StagedTrainLoop
from .process_group import start_process_group
from .stop_signals import Interrupted, StopSignals
from .strict_runner import StrictRunner
from .training_stage import ScheduledStage, TrainingStage, build_stages

__all__ = [
    'AtomicCheckpointHook',
    'CascadeHook',
    'ClassCountHook',
    'ClipByPart',
    'DivergedError',
    'DuplicateImagesHook',
    'FiniteLossHook',
    'Interrupted',
    'LiveLineHook',
    'PartOptimWrapperConstructor',
    'PictureHook',
    'PlainCheckpointHook',
    'ReRankHook',
    'ScheduledStage',
    'StagedTrainLoop',
    'StopSignals',
    'StrictRunner',
    'TrainingStage',
    'TrainingStageHook',
    'build_runner',
    'build_stages',
    'start_process_group',
]
