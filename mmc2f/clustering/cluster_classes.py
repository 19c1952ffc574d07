"""Mean feature of each class, and clusters of these means."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmc2f.arguments import check_choice

__all__ = ['ClusterResult', 'class_means', 'cluster_classes']

METHODS = ('agglomerative', 'kmeans')
METRICS = ('cosine', 'euclidean')


@dataclass(frozen=True, eq=False)
class ClusterResult:
    """A grouping of C classes.

    Args:
        assignment: ``(C,)`` int64 cluster of each class. Clusters are
            numbered by their first class, so that equal groupings are equal
            arrays.
        num_clusters: Number of clusters, none of them empty.
        silhouette: Mean silhouette coefficient, in [-1, 1], of each number
            of clusters that was tried; None when the number was given.
    """

    assignment: np.ndarray
    num_clusters: int
    silhouette: dict[int, float] | None = None


def class_means(features: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Average the features of the images of each class.

    Args:
        features: ``(N, D)``, one row per image.
        labels: ``(N,)`` class of each image.
        num_classes: C.

    Returns:
        ``(C, D)`` float32 means, summed in double precision.

    Raises:
        ValueError: A label is out of range, or a class has no image (names
            the classes).
    """
    if features.ndim != 2 or labels.shape != features.shape[:1]:
        raise ValueError(
            'class_means needs features (N, D) and labels (N,), got '
            f'{tuple(features.shape)} and {tuple(labels.shape)}.'
        )
    labels = labels.long()
    wrong = labels[(labels < 0) | (labels >= num_classes)]
    if wrong.numel():
        raise ValueError(
            f'Label {int(wrong[0])} is outside 0..{num_classes - 1}: the '
            'labels and the class list do not belong together.'
        )
    counts = torch.bincount(labels, minlength=num_classes)
    empty = (counts == 0).nonzero().flatten().tolist()
    if empty:
        shown = ', '.join(map(str, empty[:10]))
        more = f' and {len(empty) - 10} more' if len(empty) > 10 else ''
        raise ValueError(
            f'Class {shown}{more} has no image, so it has no mean feature; '
            'add images or take the class off the class list.'
        )
    sums = features.new_zeros(
        num_classes, features.shape[1], dtype=torch.float64
    ).index_add_(0, labels, features.double())
    return (sums / counts[:, None]).float()


def cluster_classes(
    means: Tensor | np.ndarray,
    num_clusters: int | str = 'silhouette',
    method: str = 'agglomerative',
    metric: str = 'cosine',
    center: bool = True,
    candidates: Iterable[int] | None = None,
    seed: int = 0,
) -> ClusterResult:
    """Group classes whose mean features are alike.

    Args:
        means: ``(C, D)`` mean feature of each class.
        num_clusters: Number of super classes, 2 to C, or ``'silhouette'``:
            the candidate of the highest mean silhouette coefficient, the
            smallest of them on a tie.
        method: ``'agglomerative'`` (average linkage) or ``'kmeans'`` (with
            cosine: on L2-normalised means, that is spherical k-means but
            for the renormalisation of the centres).
        metric: ``'cosine'`` or ``'euclidean'``.
        center: Subtract the mean over all classes first. Features after a
            ReLU share one large common direction, which makes all cosine
            similarities high and lets average linkage split off single
            classes.
        candidates: Numbers that ``'silhouette'`` tries, each 2 to C - 1.
            None: sqrt(C) to C // 2. The silhouette often prefers fewer, but
            two very large super classes are a weak training signal; more
            than C // 2 leaves less than two classes each.
        seed: Seed of k-means; agglomerative clustering is deterministic.

    Returns:
        The grouping. Two classes in two clusters are one class each.

    Raises:
        ValueError: Unknown option, number out of range, NaN or infinite
            means, a mean without direction, or too few distinct means.
    """
    check_choice('method', method, METHODS)
    check_choice('metric', metric, METRICS)
    points = _points(means, metric, center)
    if num_clusters != 'silhouette':
        count = _checked_count('num_clusters', num_clusters, len(points))
        assignment = _cluster(points, count, method, metric, seed)
        return ClusterResult(assignment, count)
    scores, assignments = {}, {}
    for count in _candidates(candidates, len(points)):
        assignments[count] = _cluster(points, count, method, metric, seed)
        scores[count] = _silhouette(points, assignments[count], metric)
    best = max(scores, key=lambda count: (scores[count], -count))
    return ClusterResult(assignments[best], best, scores)


def _points(
    means: Tensor | np.ndarray, metric: str, center: bool
) -> np.ndarray:
    """Validated double-precision points; unit length for cosine."""
    points = np.asarray(means, dtype=np.float64)
    if points.ndim != 2 or len(points) < 2:
        raise ValueError(
            'Clustering needs the means (C, D) of at least 2 classes, got '
            f'shape {points.shape}.'
        )
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if bad.size:
        raise ValueError(
            f'The mean feature of class {_some(bad)} holds NaN or infinity; '
            'the weights are broken or training has diverged.'
        )
    spread = np.ptp(points, axis=0).max()
    if spread <= 1e-6 * np.abs(points).max():
        raise ValueError(
            'The mean features of all classes are equal, so there is nothing '
            'to cluster; start from pretrained weights.'
        )
    if center:
        points = points - points.mean(axis=0)
    if metric == 'euclidean':
        return points
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    still = np.flatnonzero(lengths <= 1e-12 * lengths.max())
    if still.size:
        raise ValueError(
            f'The mean feature of class {_some(still)} has no direction '
            "(length 0), so it has no cosine; use metric='euclidean'."
        )
    return points / lengths


def _cluster(
    points: np.ndarray, count: int, method: str, metric: str, seed: int
) -> np.ndarray:
    from sklearn.cluster import AgglomerativeClustering, KMeans

    if method == 'agglomerative':
        model = AgglomerativeClustering(
            count, metric=metric, linkage='average'
        )
    else:
        distinct = len(np.unique(points.round(12), axis=0))
        if distinct < count:
            raise ValueError(
                f'k-means cannot make {count} clusters of {distinct} '
                'distinct class means; ask for fewer.'
            )
        model = KMeans(count, n_init=10, random_state=seed)
    return _by_first_class(model.fit_predict(points))


def _silhouette(
    points: np.ndarray, assignment: np.ndarray, metric: str
) -> float:
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(points, assignment, metric=metric))


def _by_first_class(assignment: np.ndarray) -> np.ndarray:
    """Number clusters in the order in which classes first name them."""
    _, first, inverse = np.unique(
        assignment, return_index=True, return_inverse=True
    )
    return np.argsort(np.argsort(first))[inverse]


def _candidates(candidates: Iterable[int] | None, classes: int) -> list[int]:
    if classes < 3:
        raise ValueError(
            'The silhouette needs at least 3 classes; give num_clusters.'
        )
    if candidates is None:
        most = max(2, classes // 2)
        least = min(math.ceil(math.sqrt(classes)), most)
        return list(range(least, most + 1))
    counts = sorted(set(candidates))
    if not counts:
        raise ValueError('candidates is empty; name numbers of clusters.')
    return [
        _checked_count('A candidate', count, classes - 1) for count in counts
    ]


def _checked_count(name: str, count: int | str, most: int) -> int:
    is_whole = isinstance(count, (int, np.integer)) and count is not True
    if is_whole and 2 <= int(count) <= most:
        return int(count)
    raise ValueError(
        f'{name} is a whole number from 2 to {most} here (or num_clusters '
        f"is 'silhouette'), got {count!r}."
    )


def _some(indices: np.ndarray) -> str:
    more = f' and {indices.size - 10} more' if indices.size > 10 else ''
    return ', '.join(map(str, indices[:10])) + more
