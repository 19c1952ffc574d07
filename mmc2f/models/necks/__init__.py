from .fusion_neck import FusionNeck
from .multilinear_pool import multilinear_pool
from .signed_sqrt_l2 import signed_sqrt_l2
from .simple_feature_pyramid import SimpleFeaturePyramid
from .trilinear_pooling_neck import TrilinearPoolingNeck

__all__ = [
    'FusionNeck',
    'SimpleFeaturePyramid',
    'TrilinearPoolingNeck',
    'multilinear_pool',
    'signed_sqrt_l2',
]
