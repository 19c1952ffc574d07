"""Scores every anchor from a feature pyramid, Section 3.2 of CCFR."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork

from mmc2f.models.regions import AnchorSet
from mmc2f.registry import MODELS, TASK_UTILS


@MODELS.register_module()
class FPNNavigatorHead(BaseModule):
    """Top-down pathway with lateral connections and one score an anchor.

    .. code-block:: text

        maps ─► detach ─► FPN ─► 3x3 conv, ReLU (shared) ─► 1x1 conv a level
                                                     └► scores (B, A)

    The maps are detached, as in NTS-Net: the navigator learns to rank
    regions and must not bend the backbone to make its own task easier.

    Args:
        in_channels: Channels of the maps it reads, finest first.
        in_indices: Which of the backbone's maps those are.
        fpn_channels: Channels of the pyramid.
        anchors: Config of the anchor generator, whose ``scales`` has one
            entry for each map.
        detach: Read detached features.

    Raises:
        ValueError: The scales are not one entry for each map.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        in_indices: Sequence[int] = (-2, -1),
        fpn_channels: int = 128,
        anchors: dict | None = None,
        detach: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.anchor_generator = TASK_UTILS.build(
            anchors or dict(type='mmc2f.AnchorGenerator')
        )
        counts = self.anchor_generator.num_base_anchors
        if not len(counts) == len(in_channels) == len(in_indices):
            raise ValueError(
                f'one anchor scale a map: got {len(counts)} scales for '
                f'in_channels {tuple(in_channels)} and in_indices '
                f'{tuple(in_indices)}'
            )
        self.in_indices = tuple(in_indices)
        self.detach = detach
        self.fpn = FeaturePyramidNetwork(list(in_channels), fpn_channels)
        self.conv = nn.Conv2d(fpn_channels, fpn_channels, 3, padding=1)
        self.score = nn.ModuleList(
            nn.Conv2d(fpn_channels, count, 1) for count in counts
        )
        for layer in self.score:
            # Scores start close together, inside the margin of the ranking.
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Score all anchors.

        Args:
            feats: Maps of the backbone, ``(B, C_i, H_i, W_i)``.

        Returns:
            Scores ``(B, A)``, in the order of :meth:`anchors`.
        """
        maps = [feats[i] for i in self.in_indices]
        if self.detach:
            maps = [x.detach() for x in maps]
        pyramid = self.fpn({str(i): x for i, x in enumerate(maps)})
        scores = [
            # (B, K, h, w) -> (B, h, w, K): the order of the anchors.
            score(self.conv(level).relu()).permute(0, 2, 3, 1).flatten(1)
            for score, level in zip(self.score, pyramid.values(), strict=True)
        ]
        return torch.cat(scores, dim=1)

    def anchors(
        self, feats: Sequence[Tensor], image_size: tuple[int, int]
    ) -> AnchorSet:
        """Anchors that :meth:`forward` scores for images of this size."""
        sizes = [tuple(feats[i].shape[-2:]) for i in self.in_indices]
        return self.anchor_generator.grid(
            image_size, sizes, feats[self.in_indices[0]].device
        )
