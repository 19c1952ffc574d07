"""Training loops for MMEngine's runner."""

from .staged_train_loop import StagedTrainLoop

__all__ = ['StagedTrainLoop']
