"""Clustering of classes as a component that configs name."""

from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor

from mmc2f.clustering.cluster_classes import (
    ClusterResult,
    class_means,
    cluster_classes,
)
from mmc2f.registry import TASK_UTILS
from mmc2f.structures import LabelTree

__all__ = ['ClassClustering']


@TASK_UTILS.register_module()
class ClassClustering:
    """Makes a tree of two levels from the features of labelled images.

    A thin shell on :func:`class_means` and :func:`cluster_classes`, whose
    arguments it takes.

    Args:
        num_clusters: Number of super classes or ``'silhouette'``.
        method: ``'agglomerative'`` or ``'kmeans'``.
        metric: ``'cosine'`` or ``'euclidean'``.
        center: Whether to take off the mean over all classes.
        candidates: Numbers that ``'silhouette'`` tries.
        seed: Start of k-means.
        level_names: Names of the two levels, fine to coarse.
    """

    def __init__(
        self,
        num_clusters: int | str = 'silhouette',
        method: str = 'agglomerative',
        metric: str = 'cosine',
        center: bool = True,
        candidates: Iterable[int] | None = None,
        seed: int = 0,
        level_names: Sequence[str] = ('class', 'cluster'),
    ) -> None:
        self.options: dict[str, Any] = {
            'num_clusters': num_clusters,
            'method': method,
            'metric': metric,
            'center': center,
            'candidates': candidates,
            'seed': seed,
        }
        self.level_names = tuple(level_names)

    def cluster(
        self, features: Tensor, labels: Tensor, num_classes: int
    ) -> ClusterResult:
        """Group the classes by their mean features.

        Args:
            features: ``(N, D)``, one row per image.
            labels: ``(N,)`` class of each image.
            num_classes: C.
        """
        means = class_means(features, labels, num_classes)
        return cluster_classes(means, **self.options)

    def tree(
        self, class_names: Sequence[str], result: ClusterResult
    ) -> LabelTree:
        """The tree of a grouping."""
        return LabelTree.from_clusters(
            class_names, result.assignment.tolist(), self.level_names
        )

    def __call__(
        self, features: Tensor, labels: Tensor, class_names: Sequence[str]
    ) -> LabelTree:
        """Tree of the C named classes; arguments as in :meth:`cluster`."""
        result = self.cluster(features, labels, len(class_names))
        return self.tree(class_names, result)
