"""From a config and its starting weights to a tree of classes."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.registry import MODELS, DefaultScope
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmc2f.clustering.cluster_classes import ClusterResult, class_means
from mmc2f.clustering.extract_features import extract_features
from mmc2f.datasets.requirements import class_names
from mmc2f.datasets.train_loader_in_test_mode import (
    train_loader_in_test_mode,
)
from mmc2f.registry import TASK_UTILS
from mmc2f.structures import LabelTree
from mmc2f.weights import load_checkpoint

__all__ = ['HierarchyReport', 'agreement', 'build_class_hierarchy']


@dataclass(frozen=True, eq=False)
class HierarchyReport:
    """Clusters of an automatic hierarchy, and how they were found.

    Args:
        clusters: The grouping, with its silhouettes.
        agreement: ``ari`` and ``nmi`` with each coarser level of the known
            hierarchy, empty where none is known.
        examples: Path of the most typical image of each class, the one
            nearest to the class mean; None for data without files.
    """

    clusters: ClusterResult
    agreement: dict[str, dict[str, float]] = field(default_factory=dict)
    examples: tuple[str | None, ...] = ()

    def __str__(self) -> str:
        count = self.clusters.num_clusters
        lines = [
            f'{len(self.clusters.assignment)} classes in {count} clusters'
        ]
        if self.clusters.silhouette:
            best = self.clusters.silhouette[count]
            tried = list(self.clusters.silhouette)
            lines[0] += (
                f' (silhouette {best:.3f}, the best of {tried[0]} to '
                f'{tried[-1]} clusters)'
            )
        for level, scores in self.agreement.items():
            lines.append(
                f'agreement with {level}: ARI {scores["ari"]:.3f}, '
                f'NMI {scores["nmi"]:.3f}'
            )
        return '\n'.join(lines)


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


def build_class_hierarchy(
    cfg: Config,
    checkpoint: str | None = None,
    clustering: dict | None = None,
    device: str | torch.device | None = None,
    reference: object | None = None,
) -> tuple[LabelTree, HierarchyReport]:
    """Cluster the classes of a config's training set (CCFR, section 3.1).

    The training images go through the test pipeline and the config's model.

    Args:
        cfg: Full config, with ``model``, ``train_dataloader`` and
            ``test_dataloader``. It is not changed.
        checkpoint: Weights; None: those that ``init_cfg`` of the model gives.
        clustering: Config of a clustering, ``mmc2f.ClassClustering`` where
            it names no type.
        device: Where to run; None for a GPU where there is one.
        reference: Known hierarchy to compare with, as ``LabelTree.build``
            takes it. None: ``cfg.taxonomy`` where the config has one.

    Raises:
        ValueError: The config lacks a part, or the reference has other
            classes than the training set.
    """
    if cfg.get('model') is None:
        raise ValueError(
            'The config has no model, which the clustering of classes needs.'
        )
    with DefaultScope.overwrite_default_scope(
        cfg.get('default_scope', 'mmpretrain')
    ):
        clusterer = TASK_UTILS.build(
            {'type': 'mmc2f.ClassClustering', **(clustering or {})}
        )
        dataloader = train_loader_in_test_mode(cfg)
        model = _build_model(cfg, checkpoint).to(device or get_device())
    names = class_names(dataloader.dataset)
    known = _known_tree(cfg, reference, names)
    features, labels = extract_features(
        model, dataloader, description='Describing training images'
    )
    clusters = clusterer.cluster(features, labels, len(names))
    report = HierarchyReport(
        clusters=clusters,
        agreement=_agreements(clusters, known),
        examples=_typical_images(features, labels, dataloader, len(names)),
    )
    return clusterer.tree(names, clusters), report


def _build_model(cfg: Config, checkpoint: str | None) -> nn.Module:
    model_cfg = copy.deepcopy(cfg.model)
    # As the runner does; mmpretrain changes the dict that it is given.
    model_cfg.setdefault(
        'data_preprocessor', copy.deepcopy(cfg.get('data_preprocessor'))
    )
    model = MODELS.build(model_cfg)
    if checkpoint is None:
        model.init_weights()
    else:
        # Of a plain classifier, perhaps: features are all that counts here.
        load_checkpoint(model, checkpoint, needed='backbone.')
    return model


def _known_tree(
    cfg: Config, reference: Any, names: Sequence[str]
) -> LabelTree | None:
    spec = reference if reference is not None else cfg.get('taxonomy')
    if spec is None:
        return None
    tree = LabelTree.build(spec)
    tree.check_class_names(names, 'the training set')
    return tree


def _agreements(
    clusters: ClusterResult, known: LabelTree | None
) -> dict[str, dict[str, float]]:
    if known is None:
        return {}
    return {
        level: agreement(clusters.assignment, known.ancestors(level))
        for level in known.levels[1:]
    }


def _typical_images(
    features: Tensor, labels: Tensor, dataloader: DataLoader, classes: int
) -> tuple[str | None, ...]:
    means = class_means(features, labels, classes)
    distance = (features - means[labels]).norm(dim=1)
    dataset: BaseDataset = dataloader.dataset
    paths = []
    for index in range(classes):
        members = (labels == index).nonzero().flatten()
        best = int(members[distance[members].argmin()])
        paths.append(dataset.get_data_info(best).get('img_path'))
    return tuple(paths)
