"""Embeddings in a plane, to be looked at."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmc2f.arguments import check_choice

__all__ = ['METHODS', 'project_embeddings']

METHODS = ('tsne', 'pca')
FEWEST = 4
#: As many principal components t-SNE reads, as its author advises.
COMPONENTS = 50
PERPLEXITY = 30


def project_embeddings(
    embeddings: Tensor, method: str = 'tsne', seed: int = 0
) -> np.ndarray:
    """Project embeddings to a plane.

    They are scaled to unit length first, so that their distances tell what
    the retrieval compares, cosine similarities.

    Args:
        embeddings: ``(N, D)``.
        method: ``'tsne'``, which keeps neighbours together, but whose
            distances between far groups mean nothing; or ``'pca'``, the two
            directions of most variance, which shows less and distorts
            nothing.
        seed: Of t-SNE, and of the approximate PCA of many embeddings.

    Returns:
        Coordinates ``(N, 2)``, float64.

    Raises:
        ValueError: Fewer than 4 embeddings, one that is not finite, or an
            unknown method.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    check_choice('method', method, METHODS)
    if embeddings.dim() != 2 or len(embeddings) < FEWEST:
        raise ValueError(
            f'a map needs {FEWEST} embeddings (N, D) or more, got shape '
            f'{tuple(embeddings.shape)}'
        )
    if not torch.isfinite(embeddings).all():
        raise ValueError('an embedding is NaN or infinite')
    rows = F.normalize(embeddings.double(), dim=1).cpu().numpy()
    kept = 2 if method == 'pca' else min(COMPONENTS, *rows.shape)
    reduced = PCA(kept, random_state=seed).fit_transform(rows)
    if method == 'pca':
        return reduced
    # Scikit-learn wants it below the number of images.
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    return (
        TSNE(perplexity=perplexity, init='pca', random_state=seed)
        .fit_transform(reduced)
        .astype(float)
    )
