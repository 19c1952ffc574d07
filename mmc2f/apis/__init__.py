"""What the command line tools are made of."""

from .complete_dataloaders import complete_dataloaders
from .label_tree import prepare_label_tree

__all__ = ['complete_dataloaders', 'prepare_label_tree']
