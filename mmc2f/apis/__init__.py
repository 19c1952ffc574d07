"""What the command line tools are made of."""

from .complete_dataloaders import complete_dataloaders
from .label_tree import prepare_label_tree
from .load_config import complete_config, load_config
from .named_bases import allow_named_bases
from .resume import latest_checkpoint, resume_from_latest
from .work_dir_lock import WorkDirInUse, lock_work_dir

__all__ = [
    'WorkDirInUse',
    'complete_config',
    'complete_dataloaders',
    'latest_checkpoint',
    'load_config',
    'lock_work_dir',
    'prepare_label_tree',
    'resume_from_latest',
]

allow_named_bases()
