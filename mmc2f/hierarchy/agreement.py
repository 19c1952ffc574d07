"""How far two groupings of the same classes agree."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

__all__ = ['agreement']


def agreement(
    assignment: Sequence[int] | np.ndarray | Tensor,
    reference_parent: Sequence[int] | np.ndarray | Tensor,
) -> dict[str, float]:
    """Compare a clustering of classes with a known grouping of them.

    Args:
        assignment: ``(C,)`` cluster of each class.
        reference_parent: ``(C,)`` known group of each class, such as
            ``LabelTree.ancestors('family')``.

    Returns:
        ``ari``, the adjusted Rand index: 1 for the same grouping, about 0
        for chance. ``nmi``, the normalised mutual information in [0, 1]; it
        is not adjusted for chance and grows with the number of clusters.

    Raises:
        ValueError: The two are not about the same number of classes.
    """
    from sklearn.metrics import (
        adjusted_rand_score,
        normalized_mutual_info_score,
    )

    found, known = np.asarray(assignment), np.asarray(reference_parent)
    if found.shape != known.shape or found.ndim != 1:
        raise ValueError(
            f'The clustering is about {found.size} classes, the reference '
            f'about {known.size}; both must list the same classes.'
        )
    return {
        'ari': float(adjusted_rand_score(known, found)),
        'nmi': float(normalized_mutual_info_score(known, found)),
    }
