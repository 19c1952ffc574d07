"""Joins the features of the chosen regions, Section 3.2 of CCFR."""

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmc2f.arguments import check_choice
from mmc2f.registry import MODELS


@MODELS.register_module()
class FusionNeck(BaseModule):
    """Fusion network: concat per scale, 1x1 convolution, average pooling.

    .. code-block:: text

        scale 1: (B, K, C, h, w) ─► (B, K*C, h, w) ─► 1x1 conv ─► pool ┐
        scale 2: (B, K, C, h, w) ─► (B, K*C, h, w) ─► 1x1 conv ─► pool ┴► cat

    Args:
        in_channels: C, channels of one local feature map.
        out_channels: Channels of the fused feature of one scale.
        num_scales: S, groups of regions.
        regions_per_scale: K, regions in a group.
        mode: ``'conv'`` as above; ``'pool_concat'`` pools each map and
            concatenates without any convolution (Table 3, fifth row);
            ``'pool_mean'`` averages the pooled maps of all regions.
        norm_cfg, act_cfg: What follows the convolution, as in MMCV's
            ``ConvModule``.

    Attributes:
        out_features: Length of the fused feature of an image.

    Raises:
        ValueError: An unknown mode.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 512,
        num_scales: int = 2,
        regions_per_scale: int = 2,
        mode: str = 'conv',
        norm_cfg: dict | None = dict(type='BN'),  # noqa: B006
        act_cfg: dict | None = dict(type='ReLU'),  # noqa: B006
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        check_choice('mode', mode, ('conv', 'pool_concat', 'pool_mean'))
        self.num_scales = num_scales
        self.regions_per_scale = regions_per_scale
        self.mode = mode
        self.out_features = num_scales * regions_per_scale * in_channels
        if mode == 'pool_mean':
            self.out_features = in_channels
        if mode == 'conv':
            self.out_features = num_scales * out_channels
            self.convs = nn.ModuleList(
                ConvModule(
                    regions_per_scale * in_channels,
                    out_channels,
                    1,
                    norm_cfg=norm_cfg,
                    act_cfg=act_cfg,
                )
                for _ in range(num_scales)
            )

    def forward(self, local_maps: Tensor) -> Tensor:
        """Fuse the maps of all regions of each image.

        Args:
            local_maps: ``(B, S*K, C, h, w)``, regions ordered by scale.

        Returns:
            ``(B, out_features)``.

        Raises:
            ValueError: Another number of regions.
        """
        regions = self.num_scales * self.regions_per_scale
        if local_maps.ndim != 5 or local_maps.shape[1] != regions:
            raise ValueError(
                f'expected (B, {regions}, C, h, w): {self.num_scales} scales '
                f'of {self.regions_per_scale} regions, got '
                f'{tuple(local_maps.shape)}; nms.topk and the fusion neck '
                'must agree'
            )
        if self.mode == 'pool_concat':
            return local_maps.mean(dim=(-2, -1)).flatten(1)
        if self.mode == 'pool_mean':
            return local_maps.mean(dim=(1, -2, -1))
        groups = local_maps.unflatten(1, (self.num_scales, -1)).flatten(2, 3)
        fused = [conv(groups[:, i]) for i, conv in enumerate(self.convs)]
        return torch.cat([x.mean(dim=(-2, -1)) for x in fused], dim=1)
