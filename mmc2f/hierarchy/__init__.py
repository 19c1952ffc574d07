"""Super classes found by clustering class features (section 3.1, CCFR)."""

from mmc2f.hierarchy.agreement import agreement
from mmc2f.hierarchy.build import HierarchyReport, build_class_hierarchy
from mmc2f.hierarchy.class_clustering import ClassClustering
from mmc2f.hierarchy.class_means import class_means
from mmc2f.hierarchy.cluster_classes import ClusterResult, cluster_classes
from mmc2f.hierarchy.extract_features import extract_features

__all__ = [
    'ClassClustering',
    'ClusterResult',
    'HierarchyReport',
    'agreement',
    'build_class_hierarchy',
    'class_means',
    'cluster_classes',
    'extract_features',
]
