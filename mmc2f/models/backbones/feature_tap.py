"""A backbone cut out of any timm or torchvision model by node names."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from mmengine.model.weight_init import PretrainedInit
from torch import Tensor, nn

from mmc2f.registry import MODELS


@MODELS.register_module()
class FeatureTap(BaseModule):
    """Feature maps of named nodes of a timm or torchvision model.

    The network is traced once with the library's own feature extraction on
    ``torch.fx``; what the named nodes do not need is left out. Parameter
    names stay those of the library behind the prefix ``model.``.

    Args:
        model_name: Name the library knows the network by.
        nodes: Graph nodes to return, from fine to coarse, such as
            ``('blocks.2', 'blocks.4', 'bn2')``.
        source: ``'timm'`` or ``'torchvision'``.
        norm_eval: Keep batch normalisation on its running statistics while
            training. Crops and whole images have different statistics, and
            the shared backbone sees both.
        channels_last: Keep channels in the last place in memory. The values
            are the same; depthwise networks train faster on a CPU, see
            ``benchmarks/cpu_training_step.py``.
        init_cfg: ``dict(type='Pretrained', checkpoint=FILE)`` reads a state
            dict with the library's own parameter names when the weights are
            initialised.
        **kwargs: Passed on to the library's builder.

    Raises:
        ValueError: An unknown ``source`` or an unknown node, with the nodes
            that there are.
        FileNotFoundError: The checkpoint of ``init_cfg`` is not there.
    """

    def __init__(
        self,
        model_name: str,
        nodes: Sequence[str],
        source: str = 'timm',
        norm_eval: bool = False,
        channels_last: bool = False,
        init_cfg: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if source not in ('timm', 'torchvision'):
            raise ValueError(
                f"source is 'timm' or 'torchvision', not {source!r}"
            )
        self.nodes = tuple(nodes)
        self.norm_eval = norm_eval
        build = _from_timm if source == 'timm' else _from_torchvision
        self.model = build(model_name, self.nodes, kwargs)
        self.memory_format = torch.contiguous_format
        if channels_last:
            self.memory_format = torch.channels_last
        self.model.to(memory_format=self.memory_format)

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Run the network.

        Args:
            inputs: Images ``(B, 3, H, W)``.

        Returns:
            One map ``(B, C_i, H_i, W_i)`` for each of ``nodes``, in order.
        """
        inputs = inputs.contiguous(memory_format=self.memory_format)
        maps = self.model(inputs)
        return tuple(maps[node] for node in self.nodes)

    def init_weights(self) -> None:
        """Read the checkpoint of ``init_cfg`` into the wrapped network."""
        config = self.init_cfg or {}
        if self.is_init or config.get('type') != 'Pretrained':
            super().init_weights()
            return
        load = {key: value for key, value in config.items() if key != 'type'}
        try:
            PretrainedInit(**load)(self.model)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f'{load["checkpoint"]}: no such file. Name another in '
                'model.backbone.init_cfg, or, for EfficientNet-Lite, make '
                'it with `make checkpoints`.'
            ) from error
        self.is_init = True

    def train(self, mode: bool = True) -> 'FeatureTap':
        """Set the mode; ``norm_eval`` keeps the normalisation fixed."""
        super().train(mode)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        return self

    def __setstate__(self, state: dict) -> None:
        """Restore a copy, whose graph always comes in training mode."""
        super().__setstate__(state)
        self.train(self.training)


def _from_timm(name: str, nodes: tuple, kwargs: dict) -> nn.Module:
    import timm
    from timm.models import create_feature_extractor

    network = timm.create_model(name, **{'pretrained': False, **kwargs})
    return _cut(create_feature_extractor, network, nodes, name)


def _from_torchvision(name: str, nodes: tuple, kwargs: dict) -> nn.Module:
    import torchvision
    from torchvision.models.feature_extraction import create_feature_extractor

    network = torchvision.models.get_model(name, **{'weights': None, **kwargs})
    return _cut(create_feature_extractor, network, nodes, name)


def _cut(extract, network: nn.Module, nodes: tuple, name: str) -> nn.Module:
    try:
        return extract(network, list(nodes))
    except ValueError as error:
        known = [n for n, _ in network.named_modules() if n.count('.') < 2]
        raise ValueError(
            f'{name} has not all of the nodes {nodes} ({error}); its outer '
            f'modules are {", ".join(filter(None, known))}'
        ) from error
