"""What the network of CCFR makes of a batch of images."""

from typing import NamedTuple

from torch import Tensor

from mmc2f.structures import Regions

__all__ = ['Embedded']


class Embedded(NamedTuple):
    """Features of a batch of B images.

    Attributes:
        global_feature: ``(B, Dg)``, the pooled last map.
        embedding: ``(B, D)``, the global feature and the fused local ones.
        regions: Where the local ones were taken.
    """

    global_feature: Tensor
    embedding: Tensor
    regions: Regions
