"""Whether the answers of all levels fit together."""

from torch import Tensor

from mmc2f.structures import LabelTree
from mmc2f.structures.level_scores import check_classes

__all__ = ['level_consistency']


def level_consistency(predictions: Tensor, tree: LabelTree) -> float:
    """Share of images whose finest class lies in all their other classes.

    A row counts when the ancestor of its finest class, at every level, is
    the class predicted there. Whether the classes are right does not matter.

    Args:
        predictions: ``(N, L)`` predicted class at each level, fine to
            coarse.
        tree: Hierarchy of L levels.

    Returns:
        Percent. With one level, or levels of one class each above the
        first, nothing can disagree: 100.

    Raises:
        ValueError: There is no image, the levels are not the tree's, or a
            class is out of range.
    """
    if predictions.ndim != 2 or predictions.shape[1] != tree.num_levels:
        raise ValueError(
            f'predictions must be (N, {tree.num_levels}), one a level, but '
            f'are {tuple(predictions.shape)}'
        )
    if not len(predictions):
        raise ValueError('no image to take the consistency of')
    for level, column in enumerate(predictions.unbind(dim=1)):
        check_classes('predicted class', column, tree, level)
    fits = predictions.new_ones(len(predictions), dtype=bool)
    for level in range(1, tree.num_levels):
        ancestors = tree.ancestors(level).to(predictions.device)
        fits &= ancestors[predictions[:, 0]] == predictions[:, level]
    return 100 * fits.double().mean().item()
