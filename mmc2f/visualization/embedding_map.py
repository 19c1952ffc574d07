"""From embeddings to their map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mmc2f.structures import LabelTree
from mmc2f.visualization.draw_map import draw_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ['MOST_POINTS', 'embedding_map']

#: More points hide one another, and t-SNE takes long.
MOST_POINTS = 3000
NAMES = {'tsne': 't-SNE', 'pca': 'PCA'}


def embedding_map(
    embeddings: Tensor,
    labels: Tensor,
    class_names: Sequence[str],
    tree: LabelTree | None,
    read: Callable[[int], np.ndarray | None],
    method: str = 'tsne',
    what: str = 'images',
) -> Figure:
    """Draw embeddings in a plane, by super class or, without a tree, class.

    Args:
        embeddings: ``(N, D)``; of more than 3000 an even choice is drawn.
        labels: ``(N,)`` classes.
        class_names: Of the classes; those that only a gallery knows last.
        tree: Of the model's classes.
        read: Gives the image of a place from 0 to N - 1, RGB ``(H, W, 3)``
            uint8; ``None``: there is none.
        method: See :func:`mmc2f.clustering.project_embeddings`.
        what: Is drawn, for the title.

    Raises:
        ValueError: See :func:`mmc2f.clustering.project_embeddings`.
    """
    from mmc2f.clustering.project_embeddings import project_embeddings

    step = max(1, -(-len(labels) // MOST_POINTS))
    points = project_embeddings(embeddings[::step], method)
    groups, names = labels[::step], list(class_names)
    if tree is not None and tree.num_levels > 1:
        above = tree.parent_of(0)
        names = list(tree.names(1))
        num_added = len(class_names) - len(above)
        if num_added:
            own = above.new_full((num_added,), len(names))
            above = torch.cat([above, own])
            names.append('only in the gallery')
        groups = above[groups.cpu()]
    title = f'{len(points)} {what}, {NAMES[method]} of their embeddings'
    return draw_map(
        points,
        groups.cpu().numpy(),
        names,
        lambda place: read(place * step),
        title,
    )
