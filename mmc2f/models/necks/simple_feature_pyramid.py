"""A pyramid from one map of a plain vision transformer."""

from collections.abc import Sequence
from math import log2

from mmcv.cnn import ConvModule, build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmc2f.registry import MODELS


@MODELS.register_module()
class SimpleFeaturePyramid(BaseModule):
    """Simple feature pyramid of ViTDet (arXiv:2203.16527, Section 3).

    A plain transformer has one stride throughout, and its last map is its
    strongest, so that each level is made from that map alone, side by side:

    .. code-block:: text

        last map ┬─► 2x deconv ───┐
                 ├─► (identity) ──┼─► 1x1 conv, norm ─► 3x3 conv, norm
                 └─► max pool ────┘            of each level by itself

    As the ``neck`` of :class:`~mmc2f.models.FPNNavigatorHead`,
    ``out_channels`` is its ``fpn_channels`` and its ``anchors.scales`` have
    one entry for each of ``scales``.

    Args:
        in_channels: Channels C of the map.
        out_channels: Channels of each level.
        scales: Size of each level in terms of the map's, powers of two,
            finest first. A factor of two up is one deconvolution that halves
            the channels; between two of them are a norm and a GELU.
        norm_cfg: Norm of all layers; None is none, with biases instead.
        init_cfg: How the layers start.

    Raises:
        ValueError: A scale that is no power of two, an order that is not
            finest first, no scale, or too few channels to halve.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        scales: Sequence[float] = (1.0, 0.5),
        norm_cfg: dict | None = dict(type='mmpretrain.LN2d'),  # noqa: B006
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.in_channels = in_channels
        self.scales = _checked(scales, in_channels)
        self.branches = nn.ModuleList(
            nn.Sequential(
                *_upsampling(in_channels, scale, norm_cfg),
                ConvModule(
                    _channels_at(in_channels, scale),
                    out_channels,
                    1,
                    norm_cfg=norm_cfg,
                    act_cfg=None,
                ),
                ConvModule(
                    out_channels,
                    out_channels,
                    3,
                    padding=1,
                    norm_cfg=norm_cfg,
                    act_cfg=None,
                ),
            )
            for scale in self.scales
        )

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Make the levels from the last map.

        Args:
            inputs: Maps of the backbone; the last is ``(B, C, H, W)``.

        Returns:
            One map ``(B, out_channels, h, w)`` for each of ``scales``, with
            ``h`` the next integer from ``scale * H``. Where a size is odd,
            the windows of the max pool overlap, so that they stay evenly
            spread, as the anchors are.

        Raises:
            ValueError: Another number of channels.
        """
        last = inputs[-1]
        if last.ndim != 4 or last.shape[1] != self.in_channels:
            raise ValueError(
                f'expected a last map (B, {self.in_channels}, H, W), got '
                f'{tuple(last.shape)}; in_channels must be the channels of '
                'the backbone, and the backbone must return maps '
                "(out_type='featmap' for mmpretrain's vision transformers)"
            )
        return tuple(
            branch(_pooled(last, scale))
            for branch, scale in zip(self.branches, self.scales, strict=True)
        )


def _checked(scales: Sequence[float], in_channels: int) -> tuple[float, ...]:
    scales = tuple(scales)
    for scale in scales:
        if scale <= 0 or not log2(scale).is_integer():
            raise ValueError(
                f'scales are powers of two, such as 2.0, 1.0 and 0.5, not '
                f'{scale!r}'
            )
    if not scales or list(scales) != sorted(set(scales), reverse=True):
        raise ValueError(
            f'scales are the sizes of the levels, finest (largest) first, '
            f'each once, got {scales}'
        )
    if in_channels % max(scales[0], 1):
        raise ValueError(
            f'{in_channels} channels cannot be halved for scale {scales[0]}'
        )
    return scales


def _channels_at(channels: int, scale: float) -> int:
    return channels // int(max(scale, 1))


def _upsampling(
    channels: int, scale: float, norm_cfg: dict | None
) -> list[nn.Module]:
    """Deconvolutions that make a map ``scale`` times as large."""
    layers = []
    for step in range(max(int(log2(scale)), 0)):
        if step:
            if norm_cfg is not None:
                layers.append(build_norm_layer(norm_cfg, channels)[1])
            layers.append(nn.GELU())
        layers.append(nn.ConvTranspose2d(channels, channels // 2, 2, 2))
        channels //= 2
    return layers


def _pooled(x: Tensor, scale: float) -> Tensor:
    if scale >= 1:
        return x
    factor = int(1 / scale)
    size = [-(-length // factor) for length in x.shape[-2:]]
    return F.adaptive_max_pool2d(x, size)
