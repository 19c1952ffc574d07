"""Super classes found by clustering class features (section 3.1, CCFR)."""

from mmc2f.clustering.build import (
    HierarchyReport,
    agreement,
    build_class_hierarchy,
)
from mmc2f.clustering.class_clustering import ClassClustering
from mmc2f.clustering.cluster_classes import (
    ClusterResult,
    class_means,
    cluster_classes,
)
from mmc2f.clustering.extract_features import extract_features
from mmc2f.clustering.project_embeddings import project_embeddings

__all__ = [
    'ClassClustering',
    'ClusterResult',
    'HierarchyReport',
    'agreement',
    'build_class_hierarchy',
    'class_means',
    'cluster_classes',
    'extract_features',
    'project_embeddings',
]
