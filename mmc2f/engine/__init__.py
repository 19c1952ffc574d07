"""Hooks for MMEngine's runner."""

from .hooks import ClassCountHook, ReRankHook, TrainingStageHook

__all__ = ['ClassCountHook', 'ReRankHook', 'TrainingStageHook']
