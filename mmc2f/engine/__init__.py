"""Hooks for MMEngine's runner."""

from .hooks import (
    ClassCountHook,
    PlainCheckpointHook,
    ReRankHook,
    TrainingStageHook,
)

__all__ = [
    'ClassCountHook',
    'PlainCheckpointHook',
    'ReRankHook',
    'TrainingStageHook',
]
