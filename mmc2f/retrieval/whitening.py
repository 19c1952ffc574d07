"""Whitening: the linear map after which cosine similarity compares fairly.

Features of a network that was trained with softmax are all positive and
correlated: the cosines of any two images are alike. Taking off the mean and
dividing by the covariance spreads them out. The whitening of linear
discriminant analysis takes the images of a class for normally distributed,
which pooled activations, near 0 with a long tail, are not; their root comes
closer to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    'WHITENINGS',
    'Whitening',
    'fit_whitening',
    'normalize_parts',
    'parse_whiten',
    'signed_root',
    'takes_root',
]

WHITENINGS = ('lda', 'pca')
_ROOT = 'sqrt+'

# Smallest eigenvalue that is inverted, relative to the greatest.
_EIGENVALUE_FLOOR = 1e-10
# Variance of rounding errors in embeddings of unit length.
_NO_SPREAD = 1e-14


@dataclass(frozen=True)
class Whitening:
    r""":math:`x \mapsto W (x - \mu)`, then scaled to unit length.

    Attributes:
        kind: How it was fitted, such as ``'lda'`` or ``'lda:0.6'``, see
            :func:`fit_whitening`; with ``'sqrt+'`` in front, what it maps
            are roots, see :func:`normalize_parts`.
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

    The covariance :math:`S` is shrunk towards a multiple of the identity,
    :math:`\Sigma = (1 - s) S + s \operatorname{tr}(S) / D \cdot I`, so it can
    be inverted for any N and D. The shrinkage :math:`s` is that of Ledoit
    and Wolf's rule ("A well-conditioned estimator for large-dimensional
    covariance matrices", 2004), or stands in ``kind``. Their rule is for
    images like those to come; those that the network was fitted to lie closer
    to the means of their classes, and may want more.

    Args:
        embeddings: ``(N, D)``, as they are compared.
        labels: ``(N,)``.
        kind: ``'lda'``: :math:`\Sigma` is the covariance within the classes,
            pooled over the classes of two images or more. Directions in
            which images of one class differ count less, as in linear
            discriminant analysis. ``'pca'``: the covariance of all images;
            the labels are not used. With a number from 0 to 1 behind a
            colon, as in ``'lda:0.6'``, that is the shrinkage; 1 does not
            change cosines but by the mean. ``'sqrt+'`` in front only tells
            that the embeddings are roots already.

    Raises:
        ValueError: ``kind`` is unknown, no class has two images (for
            ``'lda'``), or all images are equal.
    """
    method, shrinkage = parse_whiten(kind)
    rows = embeddings.double().cpu()
    mean = rows.mean(dim=0)
    centred = rows - mean
    if method == 'lda':
        centred = _within_classes(rows, labels.cpu())
    covariance = _shrunk_covariance(centred.numpy(), shrinkage)
    values, vectors = np.linalg.eigh(covariance)
    if values[-1] <= _NO_SPREAD:
        raise ValueError(
            f'whiten={kind!r} needs embeddings that differ, but those of '
            f'{"each class" if method == "lda" else "all images"} are equal.'
        )
    values = values.clip(min=_EIGENVALUE_FLOOR * values[-1])
    matrix = torch.from_numpy((vectors / np.sqrt(values)) @ vectors.T)
    return Whitening(kind, mean.float(), matrix.float())


def signed_root(embeddings: Tensor) -> Tensor:
    r""":math:`\operatorname{sign}(x) \sqrt{|x|}` of each entry of ``(B, D)``.

    Tukey's ladder of powers makes skewed features more alike to normal ones;
    Yang et al., "Free Lunch for Few-shot Learning: Distribution Calibration"
    (arXiv:2101.06395), use it so before class means and covariances.
    """
    return embeddings.sign() * embeddings.abs().sqrt()


def normalize_parts(
    embeddings: Tensor,
    parts: Sequence[int] | None = None,
    whiten: str | None = None,
) -> Tensor:
    """Scale embeddings to unit length, each part by itself first.

    Without this a part of large values, say the global feature, decides the
    cosine similarity alone.

    Args:
        embeddings: ``(B, D)``, the parts side by side.
        parts: Their lengths, which sum to D; ``None`` for one part.
        whiten: The whitening that follows. One such as ``'sqrt+lda'`` is of
            signed roots, which are drawn first.

    Raises:
        ValueError: The lengths do not sum to D.
    """
    if takes_root(whiten):
        embeddings = signed_root(embeddings)
    if parts is None:
        return F.normalize(embeddings)
    if embeddings.shape[1] != sum(parts):
        raise ValueError(
            f'Parts of {tuple(parts)} dimensions make {sum(parts)}, but the '
            f'embeddings have {embeddings.shape[1]}.'
        )
    split = embeddings.split(tuple(parts), dim=1)
    return F.normalize(torch.cat([F.normalize(part) for part in split], 1))


def takes_root(whiten: str | None) -> bool:
    """Whether a whitening is one of signed roots, as ``'sqrt+lda'`` is."""
    return whiten is not None and str(whiten).startswith(_ROOT)


def parse_whiten(kind: str) -> tuple[str, float | None]:
    """Method and shrinkage of a whitening: ``'lda:0.6'`` is ('lda', 0.6).

    A ``'sqrt+'`` in front is passed over, see :func:`takes_root`.

    Raises:
        ValueError: No such method, or no shrinkage from 0 to 1.
    """
    spec = str(kind).removeprefix(_ROOT)
    method, colon, text = spec.partition(':')
    if method not in WHITENINGS:
        raise ValueError(
            f'whiten must be None or one of {WHITENINGS}, with or without a '
            f"shrinkage as in 'lda:0.6', and with or without the root of "
            f"each entry as in 'sqrt+lda'; got {kind!r}."
        )
    if not colon:
        return method, None
    try:
        shrinkage = float(text)
    except ValueError:
        shrinkage = float('nan')
    if not 0 <= shrinkage <= 1:
        raise ValueError(
            f'The shrinkage of whiten={kind!r} must be a number from 0 to 1.'
        )
    return method, shrinkage


def _shrunk_covariance(
    centred: np.ndarray, shrinkage: float | None
) -> np.ndarray:
    """Covariance of centred rows; Ledoit and Wolf choose for ``None``."""
    from sklearn.covariance import ledoit_wolf, shrunk_covariance

    if shrinkage is None:
        return ledoit_wolf(centred, assume_centered=True)[0]
    return shrunk_covariance(centred.T @ centred / len(centred), shrinkage)


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
