from .fusion_neck import FusionNeck
from .multilinear_pool import multilinear_pool
from .signed_sqrt_l2 import signed_sqrt_l2
from .trilinear_pooling_neck import TrilinearPoolingNeck

__all__ = [
    'FusionNeck',
    'TrilinearPoolingNeck',
    'multilinear_pool',
    'signed_sqrt_l2',
]
