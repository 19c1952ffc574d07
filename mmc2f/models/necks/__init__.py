from .functional import multilinear_pool, signed_sqrt_l2
from .fusion_neck import FusionNeck
from .simple_feature_pyramid import SimpleFeaturePyramid
from .trilinear_pooling_neck import TrilinearPoolingNeck

__all__ = [
    'FusionNeck',
    'SimpleFeaturePyramid',
    'TrilinearPoolingNeck',
    'multilinear_pool',
    'signed_sqrt_l2',
]
