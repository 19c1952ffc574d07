"""The neck that pools multi-linearly, Section 3.1 of MLPH."""

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmc2f.models.necks.functional import (
    INTERACTIONS,
    check_interactions,
    multilinear_pool,
    signed_sqrt_l2,
)
from mmc2f.registry import MODELS


@MODELS.register_module()
class TrilinearPoolingNeck(BaseModule):
    """Multi-linear pooling of any ``interactions`` of maps, Eq. (4)-(6).

    The default is the paper's: three maps, all pairs and the triple.

    .. code-block:: text

        X ─► 1x1 conv U ┐
        Y ─► 1x1 conv V ┼► product of each interaction ─► mean over positions
        Z ─► 1x1 conv W ┘      ─► signed root ─► l2 ─► cat over interactions

    There is no normalisation and no ReLU between projection and product. The
    signed square root and the L2 norm are applied to each product separately,
    so that no product outweighs another and the feature does not depend on
    the scale of the projections. The projections are initialised with variance
    ``1 / C_i``, without the factor of two for a following ReLU: a projected
    map then has the mean square of the map, and products of two and of three
    stay in the same range in half precision.

    Args:
        in_channels: Channels of each map, one projection per map.
        channels: d, channels of a projection, so of each product.
        interactions: Which maps are multiplied: a tuple of their numbers,
            from 0, for each product. Bilinear pooling across three layers
            (HBP) is ``((0, 1), (0, 2), (1, 2))``; the square of one map
            (classic bilinear pooling, factorised) is ``((0, 0),)``.
        in_indices: Which of the backbone's maps, in Python's way of
            counting; None: as many of the last as there are
            ``in_channels``. The same map may come twice, for two
            projections of it.
        chunk: Channels pooled at once, see
            :func:`mmc2f.functional.multilinear_pool`.
        recompute: Whether to project again in the backward pass: a quarter
            of the memory for about a third more time in this layer, see
            ``benchmarks/multilinear_pool.py``.
        init_cfg: How the projections start.

    Attributes:
        out_features: Length of the feature of an image,
            ``len(interactions) * channels``.

    Raises:
        ValueError: Interactions that name no map or leave one out, indices
            that do not match ``in_channels``, no channels.
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
        num_maps = len(in_channels)
        if in_indices is None:
            in_indices = range(-num_maps, 0)
        if len(in_indices) != num_maps:
            raise ValueError(
                f'in_indices {tuple(in_indices)} and in_channels '
                f'{tuple(in_channels)} must have one entry per map each'
            )
        check_interactions(interactions, num_maps)
        idle = set(range(num_maps)).difference(*interactions)
        if idle:
            raise ValueError(
                f'map {min(idle)} is in no interaction; leave it out of '
                'in_channels and in_indices'
            )
        if channels < 1:
            raise ValueError(f'channels must be at least 1, not {channels}')
        self.in_channels = tuple(in_channels)
        self.in_indices = tuple(in_indices)
        self.interactions = tuple(tuple(x) for x in interactions)
        self.chunk = chunk
        self.recompute = recompute
        self.out_features = len(self.interactions) * channels
        # Of the modules in a list torch knows no type.
        self.projections: Any = nn.ModuleList(
            nn.Conv2d(c, channels, 1, bias=False) for c in in_channels
        )

    def forward(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
        """Pool the chosen maps to one feature.

        Args:
            inputs: Maps of the backbone, ``(B, C_i, H_i, W_i)`` each. All
                are brought to the size of the last of those chosen, by
                adaptive average pooling.

        Returns:
            One feature ``(B, out_features)``.

        Raises:
            ValueError: Too few maps, or other channels than expected.
        """
        maps = self.choose(inputs)
        height, width = maps[-1].shape[-2:]
        maps = [
            x
            if x.shape[-2:] == (height, width)
            else F.adaptive_avg_pool2d(x, (height, width))
            for x in maps
        ]
        pooled = multilinear_pool(
            maps,
            [projection.weight.flatten(1) for projection in self.projections],
            self.interactions,
            self.chunk,
            self.recompute,
        )
        blocks = pooled.unflatten(1, (len(self.interactions), -1))
        return (signed_sqrt_l2(blocks).flatten(1),)

    def choose(self, inputs: tuple[Tensor, ...]) -> list[Tensor]:
        """Return the maps of ``in_indices``, checked."""
        if isinstance(inputs, Tensor):
            inputs = (inputs,)
        for i in self.in_indices:
            if not -len(inputs) <= i < len(inputs):
                raise ValueError(
                    f'map {i} was asked for, but the backbone returns '
                    f'{len(inputs)}; set its out_indices or nodes, or the '
                    "neck's in_channels and in_indices"
                )
        maps = [inputs[i] for i in self.in_indices]
        found = tuple(x.shape[1] for x in maps)
        if found != self.in_channels:
            raise ValueError(
                f'the maps have {found} channels, in_channels says '
                f'{self.in_channels}'
            )
        return maps
