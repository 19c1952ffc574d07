"""Networks and their parts; importing this package registers them all."""

from .backbones import FeatureTap
from .classifiers import CCFR
from .heads import MultiLevelHead
from .losses import *  # noqa: F403
from .navigators import FPNNavigatorHead
from .necks import FusionNeck
from .regions import *  # noqa: F403

__all__ = [
    'CCFR',
    'FPNNavigatorHead',
    'FeatureTap',
    'FusionNeck',
    'MultiLevelHead',
]
