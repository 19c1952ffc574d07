from .atomic_checkpoint_hook import AtomicCheckpointHook
from .cascade_hook import CascadeHook
from .class_count_hook import ClassCountHook
from .duplicate_images_hook import DuplicateImagesHook
from .finite_loss_hook import DivergedError, FiniteLossHook
from .live_line_hook import LiveLineHook
from .picture_hook import PictureHook
from .plain_checkpoint_hook import PlainCheckpointHook
from .rerank_hook import ReRankHook
from .training_stage_hook import TrainingStageHook

__all__ = [
    'AtomicCheckpointHook',
    'CascadeHook',
    'ClassCountHook',
    'DivergedError',
    'DuplicateImagesHook',
    'FiniteLossHook',
    'LiveLineHook',
    'PictureHook',
    'PlainCheckpointHook',
    'ReRankHook',
    'TrainingStageHook',
]
