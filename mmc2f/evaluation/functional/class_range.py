"""Check of class indices against a level of the hierarchy."""

from torch import Tensor

from mmc2f.structures import LabelTree

__all__ = ['check_classes']


def check_classes(
    what: str, classes: Tensor, tree: LabelTree, level: int | str = 0
) -> None:
    """Check that every class is one of a level.

    Args:
        what: Name of the classes, for the message.
        classes: ``(N,)``.
        tree: Hierarchy.
        level: The level.

    Raises:
        ValueError: One is not; names the first image.
    """
    count = tree.num_classes(level)
    outside = ((classes < 0) | (classes >= count)).nonzero().flatten()
    if len(outside):
        first = int(outside[0])
        raise ValueError(
            f'{what} {int(classes[first])} of image {first} is outside '
            f'0..{count - 1} of level '
            f'{tree.levels[tree.level_index(level)]!r}'
        )
