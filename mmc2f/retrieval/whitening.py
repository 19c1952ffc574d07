"""Whitening: the linear map after which cosine similarity compares fairly.

Features of a network that was trained with softmax are all positive and
correlated: the cosines of any two images are alike. Taking off the mean and
dividing by the covariance spreads them out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ['WHITENINGS', 'Whitening', 'fit_whitening', 'normalize_parts']

WHITENINGS = ('lda', 'pca')

# Smallest eigenvalue that is inverted, relative to the greatest.
_EIGENVALUE_FLOOR = 1e-10
# Variance of rounding errors in embeddings of unit length.
_NO_SPREAD = 1e-14


@dataclass(frozen=True)
class Whitening:
    r""":math:`x \mapsto W (x - \mu)`, then scaled to unit length.

    Attributes:
        kind: How it was fitted, one of :data:`WHITENINGS`.
        mean: :math:`\mu`, ``(D,)`` float32.
        matrix: :math:`W = \Sigma^{-1/2}`, symmetric, ``(D, D)`` float32.
    """

    kind: str
    mean: Tensor
    matrix: Tensor

    def __call__(self, embeddings: Tensor) -> Tensor:
        """Whiten ``(B, D)`` float32, on the device of the whitening."""
        # Half-precision products would blur what whitening has spread out.
        with torch.autocast(embeddings.device.type, enabled=False):
            return F.normalize((embeddings - self.mean) @ self.matrix)

    def to(self, device: torch.device) -> 'Whitening':
        """The same on another device."""
        return replace(
            self, mean=self.mean.to(device), matrix=self.matrix.to(device)
        )


def fit_whitening(embeddings: Tensor, labels: Tensor, kind: str) -> Whitening:
    r"""Fit a whitening on labelled embeddings, in float64.

    :math:`\Sigma` is shrunk towards a multiple of the identity by Ledoit and
    Wolf's rule ("A well-conditioned estimator for large-dimensional
    covariance matrices", 2004), so it can be inverted for any N and D.

    Args:
        embeddings: ``(N, D)``, as they are compared.
        labels: ``(N,)``.
        kind: ``'lda'``: :math:`\Sigma` is the covariance within the classes,
            pooled over the classes of two images or more. Directions in
            which images of one class differ count less, as in linear
            discriminant analysis. ``'pca'``: the covariance of all images;
            the labels are not used.

    Raises:
        ValueError: ``kind`` is unknown, no class has two images (for
            ``'lda'``), or all images are equal.
    """
    from sklearn.covariance import ledoit_wolf

    check_whiten(kind)
    rows = embeddings.double().cpu()
    mean = rows.mean(dim=0)
    centred = rows - mean
    if kind == 'lda':
        centred = _within_classes(rows, labels.cpu())
    covariance, _ = ledoit_wolf(centred.numpy(), assume_centered=True)
    values, vectors = np.linalg.eigh(covariance)
    if values[-1] <= _NO_SPREAD:
        raise ValueError(
            f'whiten={kind!r} needs embeddings that differ, but those of '
            f'{"each class" if kind == "lda" else "all images"} are equal.'
        )
    values = values.clip(min=_EIGENVALUE_FLOOR * values[-1])
    matrix = torch.from_numpy((vectors / np.sqrt(values)) @ vectors.T)
    return Whitening(kind, mean.float(), matrix.float())


def normalize_parts(
    embeddings: Tensor, parts: Sequence[int] | None = None
) -> Tensor:
    """Scale embeddings to unit length, each part by itself first.

    Without this a part of large values, say the global feature, decides the
    cosine similarity alone.

    Args:
        embeddings: ``(B, D)``, the parts side by side.
        parts: Their lengths, which sum to D; ``None`` for one part.

    Raises:
        ValueError: The lengths do not sum to D.
    """
    if parts is None:
        return F.normalize(embeddings)
    if embeddings.shape[1] != sum(parts):
        raise ValueError(
            f'Parts of {tuple(parts)} dimensions make {sum(parts)}, but the '
            f'embeddings have {embeddings.shape[1]}.'
        )
    split = embeddings.split(tuple(parts), dim=1)
    return F.normalize(torch.cat([F.normalize(part) for part in split], 1))


def check_whiten(kind: str | None) -> None:
    """``kind`` is a whitening."""
    if kind not in WHITENINGS:
        raise ValueError(
            f'whiten must be None or one of {WHITENINGS}, got {kind!r}.'
        )


def _within_classes(rows: Tensor, labels: Tensor) -> Tensor:
    """Rows minus the mean of their class, of classes with two or more.

    A class of one image has no spread; its zeros would only shrink the
    covariance.
    """
    _, index, counts = labels.unique(return_inverse=True, return_counts=True)
    sums = rows.new_zeros(len(counts), rows.shape[1])
    means = sums.index_add(0, index, rows) / counts[:, None]
    residuals = (rows - means[index])[counts[index] > 1]
    if not len(residuals):
        raise ValueError(
            "whiten='lda' needs a class with two images or more in the "
            "gallery; with one image per class use 'pca' or None."
        )
    return residuals
