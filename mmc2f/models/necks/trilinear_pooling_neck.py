"""Multi-linear pooling of the last feature maps, Section 3.1 of MLPH."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmc2f.registry import MODELS

from .multilinear_pool import INTERACTIONS, multilinear_pool
from .signed_sqrt_l2 import signed_sqrt_l2


@MODELS.register_module()
class TrilinearPoolingNeck(BaseModule):
    """Bilinear and trilinear pooling across layers, Eq. 4-6.

    Args:
        in_channels: Channels of each map, one projection a map.
        channels: d, channels of a projection.
        interactions: Which maps are multiplied, a tuple of indices a block.
        in_indices: Which of the backbone's maps; None: the last ones.
        chunk, recompute: See :func:`mmc2f.functional.multilinear_pool`.

    Attributes:
        out_features: Length of the feature of an image.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (512, 512, 512),
        channels: int = 8192,
        interactions: Sequence[Sequence[int]] = INTERACTIONS,
        in_indices: Sequence[int] | None = None,
        chunk: int | None = None,
        recompute: bool = False,
        init_cfg: dict | list[dict] | None = dict(  # noqa: B006
            type='Kaiming',
            layer='Conv2d',
            mode='fan_in',
            nonlinearity='linear',
        ),
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if in_indices is None:
            in_indices = range(-len(in_channels), 0)
        self.in_indices = tuple(in_indices)
        self.interactions = tuple(tuple(x) for x in interactions)
        self.chunk = chunk
        self.recompute = recompute
        self.out_features = len(self.interactions) * channels
        self.projections = nn.ModuleList(
            nn.Conv2d(c, channels, 1, bias=False) for c in in_channels
        )

    def forward(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
        """Pool the chosen maps to one feature.

        Args:
            inputs: Maps of the backbone, ``(B, C_i, H_i, W_i)`` each.

        Returns:
            One feature ``(B, out_features)``.
        """
        maps = [inputs[i] for i in self.in_indices]
        size = maps[-1].shape[-2:]
        maps = [
            x if x.shape[-2:] == size else F.adaptive_avg_pool2d(x, size)
            for x in maps
        ]
        pooled = multilinear_pool(
            maps,
            [p.weight.flatten(1) for p in self.projections],
            self.interactions,
            self.chunk,
            self.recompute,
        )
        blocks = pooled.unflatten(1, (len(self.interactions), -1))
        return (torch.flatten(signed_sqrt_l2(blocks), 1),)
