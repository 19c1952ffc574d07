"""Scores every anchor from a feature pyramid, Section 3.2 of CCFR."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork

from mmc2f.models.derived_config import with_defaults
from mmc2f.models.regions import AnchorSet, PriorAnchors
from mmc2f.registry import MODELS, TASK_UTILS

__all__ = ['FPNNavigatorHead', 'translate_pyramid_keys']

# Lateral and smoothing convolution of a level, in torchvision's FPN under
# `fpn` and in mmdet's FPN under `neck`, which may stand in a list of necks.
TORCHVISION = re.compile(r'fpn\.(inner|layer)_blocks\.(\d+)\.0\.(\w+)')
MMDET = re.compile(r'neck\.(?:\d+\.)?(lateral|fpn)_convs\.(\d+)\.conv\.(\w+)')
SAME = {'lateral': 'inner', 'fpn': 'layer'}


@MODELS.register_module()
class FPNNavigatorHead(BaseModule):
    """Top-down pathway with lateral connections and one score per anchor.

    .. code-block:: text

        maps ─► detach ─► FPN ─► 3x3 conv, ReLU (shared) ─► 1x1 conv per level
                                                     └► scores (B, A)

    The maps are detached, as in NTS-Net: the navigator learns to rank
    regions and must not bend the backbone to make its own task easier.

    Args:
        in_channels: Channels of the maps it reads, finest first.
        in_indices: Which of the backbone's maps those are.
        fpn_channels: Channels of the pyramid.
        anchors: Config of the anchor generator, whose ``scales`` has one
            entry for each level of the pyramid; one of mmdet's generators,
            such as ``mmdet.AnchorGenerator``, will do too.
        detach: Read detached features.
        neck: Config of another pyramid: a module that takes the tuple of
            maps and returns one map of ``fpn_channels`` a level, finest
            first. A list of configs is applied in turn, as ``mmdet.FPN``
            and ``mmdet.BFP``. None is torchvision's FPN, with a level for
            each map. Its weights and those of ``mmdet.FPN`` load into each
            other. Channels and numbers of levels that a config leaves out
            follow from the maps, ``fpn_channels`` and the anchors.

    Raises:
        ValueError: The scales are not one entry for each map, or, with a
            neck, ``in_channels`` and ``in_indices`` differ in number.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        in_indices: Sequence[int] = (-2, -1),
        fpn_channels: int = 128,
        anchors: dict | None = None,
        detach: bool = True,
        neck: dict | list[dict] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        generator = TASK_UTILS.build(
            anchors or dict(type='mmc2f.AnchorGenerator')
        )
        if hasattr(generator, 'grid_priors'):
            generator = PriorAnchors(generator)
        self.anchor_generator = generator
        counts = self.anchor_generator.num_base_anchors
        levels = len(in_channels) if neck is None else len(counts)
        if len(counts) != levels or len(in_channels) != len(in_indices):
            raise ValueError(
                f'one anchor scale per map: got {len(counts)} scales for '
                f'in_channels {tuple(in_channels)} and in_indices '
                f'{tuple(in_indices)}'
            )
        self.in_indices = tuple(in_indices)
        self.detach = detach
        self.neck: BaseModule | None = None
        if neck is not None:
            self.neck = MODELS.build(
                _completed(neck, in_channels, fpn_channels, levels)
            )
        self.fpn = None
        if neck is None:
            self.fpn = FeaturePyramidNetwork(list(in_channels), fpn_channels)
        self.conv = nn.Conv2d(fpn_channels, fpn_channels, 3, padding=1)
        layers = [nn.Conv2d(fpn_channels, count, 1) for count in counts]
        self.score = nn.ModuleList(layers)
        for layer in layers:
            # Scores start close together, inside the margin of the ranking.
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.get_parameter('bias'))

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Score all anchors.

        Args:
            feats: Maps of the backbone, ``(B, C_i, H_i, W_i)``.

        Returns:
            Scores ``(B, A)``, in the order of :meth:`anchors`.
        """
        return self._score(self.pyramid(feats))

    def anchors(
        self, feats: Sequence[Tensor], image_size: tuple[int, int]
    ) -> AnchorSet:
        """Anchors that :meth:`forward` scores for images of this size."""
        return self._grid(self.pyramid(feats), image_size)

    def score_anchors(
        self, feats: Sequence[Tensor], image_size: tuple[int, int]
    ) -> tuple[Tensor, AnchorSet]:
        """Scores and anchors from one pass through the pyramid."""
        pyramid = self.pyramid(feats)
        return self._score(pyramid), self._grid(pyramid, image_size)

    def pyramid(self, feats: Sequence[Tensor]) -> list[Tensor]:
        """Maps of the pyramid, one per anchor level, finest first.

        Raises:
            ValueError: A neck makes another number of levels or channels.
        """
        maps = [feats[i] for i in self.in_indices]
        if self.detach:
            maps = [x.detach() for x in maps]
        if self.fpn is not None:
            named = {str(i): x for i, x in enumerate(maps)}
            return list(self.fpn(named).values())
        assert self.neck is not None
        levels = list(self.neck(tuple(maps)))
        if len(levels) != len(self.score):
            raise ValueError(
                f'{type(self.neck).__name__} makes {len(levels)} maps, but '
                f'the anchors have {len(self.score)} levels: give anchors '
                'one entry in scales for each'
            )
        channels = {level.shape[1] for level in levels}
        if channels != {self.conv.in_channels}:
            raise ValueError(
                f'{type(self.neck).__name__} makes maps of '
                f'{" and ".join(map(str, sorted(channels)))} channels, but '
                f'fpn_channels is {self.conv.in_channels}'
            )
        return levels

    def _score(self, pyramid: list[Tensor]) -> Tensor:
        scores = [
            # (B, K, h, w) -> (B, h, w, K): the order of the anchors.
            score(self.conv(level).relu()).permute(0, 2, 3, 1).flatten(1)
            for score, level in zip(self.score, pyramid, strict=True)
        ]
        return torch.cat(scores, dim=1)

    def _grid(
        self, pyramid: list[Tensor], image_size: tuple[int, int]
    ) -> AnchorSet:
        sizes = [tuple(level.shape[-2:]) for level in pyramid]
        return self.anchor_generator.grid(image_size, sizes, pyramid[0].device)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: object
    ) -> None:
        translate_pyramid_keys(state_dict, prefix, self.state_dict())
        super()._load_from_state_dict(state_dict, prefix, *args)


def translate_pyramid_keys(
    state: dict[str, Any], prefix: str, own: Iterable[str]
) -> None:
    """Renames the weights of another kind of FPN, in place.

    torchvision's FPN and mmdet's compute the same thing from the same
    weights, so a checkpoint of one serves the other.

    Args:
        state: State dict, of more than the navigator perhaps.
        prefix: What the navigator's keys in it begin with.
        own: Keys that the navigator has, without the prefix.
    """
    names = {_meaning(key): key for key in own if _meaning(key)}
    for key in [key for key in state if key.startswith(prefix)]:
        name = names.get(_meaning(key[len(prefix) :]))
        if name is not None and prefix + name not in state:
            state[prefix + name] = state.pop(key)


def _meaning(key: str) -> tuple[str, str, str] | None:
    """(kind of convolution, level, weight or bias) of a key of an FPN."""
    match = TORCHVISION.fullmatch(key) or MMDET.fullmatch(key)
    if match is None:
        return None
    kind, level, name = match.groups()
    return SAME.get(kind, kind), level, name


def _completed(
    neck: dict | list[dict],
    in_channels: Sequence[int],
    fpn_channels: int,
    levels: int,
) -> dict | list[dict]:
    """The configs of a pyramid with what follows from the rest."""
    necks = [neck] if isinstance(neck, dict) else list(neck)
    # One map of a plain transformer is given by its number.
    inputs = in_channels[0] if len(in_channels) == 1 else list(in_channels)
    full = []
    for cfg in necks:
        full.append(
            with_defaults(
                cfg,
                MODELS,
                in_channels=inputs,
                out_channels=fpn_channels,
                num_outs=levels,
                num_levels=levels,
            )
        )
        inputs = fpn_channels
    return full[0] if isinstance(neck, dict) else full
