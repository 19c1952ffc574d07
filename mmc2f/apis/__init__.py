"""What the command line tools are made of."""

from .label_tree import prepare_label_tree

__all__ = ['prepare_label_tree']
