"""Networks and their parts; importing this package registers them all."""

from .backbones import FeatureTap
from .classifiers import CCFR, EmbeddingClassifier
from .heads import CosineClsHead, HierarchicalHead, MultiLevelHead
from .losses import *  # noqa: F403
from .navigators import FPNNavigatorHead
from .necks import FusionNeck, SimpleFeaturePyramid, TrilinearPoolingNeck
from .regions import *  # noqa: F403

__all__ = [
    'CCFR',
    'CosineClsHead',
    'EmbeddingClassifier',
    'FPNNavigatorHead',
    'FeatureTap',
    'FusionNeck',
    'HierarchicalHead',
    'MultiLevelHead',
    'SimpleFeaturePyramid',
    'TrilinearPoolingNeck',
]
