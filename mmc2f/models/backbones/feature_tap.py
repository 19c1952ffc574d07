"""A backbone cut out of any timm or torchvision model."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmc2f.models.backbones.checkpointed_graph import run_in_segments
from mmc2f.registry import MODELS
from mmc2f.weights import PretrainedInit, read_checkpoint


@MODELS.register_module()
class FeatureTap(BaseModule):
    """Feature maps of chosen nodes of a timm or torchvision model.

    What the nodes do not need is left out. Parameter names stay those of the
    library behind the prefix ``model.``.

    Args:
        model_name: Name the library knows the network by.
        nodes: What to return, from fine to coarse. Names of graph nodes,
            such as ``('blocks.2', 'blocks.4', 'bn2')``: the network is
            traced with the library's own extraction on ``torch.fx``. Or, for
            timm, numbers of the stages or of a plain transformer's blocks,
            such as ``(-2, -1)``: timm's ``forward_intermediates`` makes maps
            of tokens and of what it keeps channels-last. Transformers want
            numbers, and for crops of another size than the image
            ``dynamic_img_size=True`` (ViT: position embeddings are resized)
            or ``strict_img_size=False`` (Swin) in ``kwargs``.
        source: ``'timm'`` or ``'torchvision'``.
        final_norm: Send numbered nodes through the network's last norm: all
            blocks of a plain transformer, the last stage of others. A plain
            transformer without it has maps of any magnitude.
        norm_eval: Keep batch normalisation on its running statistics while
            training. Crops and whole images have different statistics, and
            the shared backbone sees both.
        frozen: Names of modules of the network that are not trained and
            stay in evaluation mode, such as ``('conv_stem', 'bn1',
            'blocks.0')``. Early layers see edges and colours, which a small
            data set teaches nothing new about, and cost the most time.
        channels_last: Keep channels in the last place in memory. The values
            are the same; depthwise networks train faster on a CPU, see
            ``benchmarks/cpu_training_step.py``.
        with_cp: Activation checkpointing: keep few activations of a training
            step and compute the others anew in the backward pass, which
            takes as long as another forward pass. Named nodes: see
            :func:`~mmc2f.models.backbones.checkpointed_graph.run_in_segments`.
            Numbers: timm's ``set_grad_checkpointing``.
        init_cfg: ``dict(type='Pretrained', checkpoint=FILE)`` reads a state
            dict with the library's own parameter names when the weights are
            initialised.
        **kwargs: Passed on to the library's builder.

    Raises:
        ValueError: An unknown ``source``, node or frozen module, with those
            that there are; names and numbers mixed; numbers of a network
            that cannot count its stages, ``final_norm`` without numbers,
            ``with_cp`` with numbers of a network that timm cannot checkpoint,
            or whose batch normalisation would count each batch twice.
        FileNotFoundError: The checkpoint of ``init_cfg`` is not there.
    """

    is_init: bool

    def __init__(
        self,
        model_name: str,
        nodes: Sequence[str] | Sequence[int],
        source: str = 'timm',
        final_norm: bool = False,
        norm_eval: bool = False,
        frozen: Sequence[str] = (),
        channels_last: bool = False,
        with_cp: bool = False,
        init_cfg: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if source not in ('timm', 'torchvision'):
            raise ValueError(
                f"source is 'timm' or 'torchvision', not {source!r}"
            )
        self.nodes: tuple[Any, ...] = tuple(nodes)
        self.final_norm = final_norm
        self.norm_eval = norm_eval
        self.is_numbered = _are_numbers(self.nodes)
        if final_norm and not self.is_numbered:
            raise ValueError(
                f'final_norm is for nodes given by numbers, not {self.nodes}: '
                'name the node of the norm instead'
            )
        build = _from_timm if source == 'timm' else _from_torchvision
        network, extract = build(model_name, kwargs)
        if self.is_numbered:
            self.nodes = _prune(network, self.nodes, final_norm, model_name)
            self.model = network
        else:
            self.model = _cut(extract, network, self.nodes, model_name)
        self.with_cp = with_cp
        if with_cp and self.is_numbered:
            _checkpoint_blocks(self.model, norm_eval, model_name)
        self.frozen = [_part(self.model, name, model_name) for name in frozen]
        for module in self.frozen:
            module.requires_grad_(False)
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

        Raises:
            ValueError: A named node gives no map, but a transformer's
                tokens.
        """
        inputs = inputs.contiguous(memory_format=self.memory_format)
        maps = (
            self._numbered(inputs) if self.is_numbered else self._named(inputs)
        )
        return tuple(maps[node] for node in self.nodes)

    def _named(self, inputs: Tensor) -> dict[str, Tensor]:
        network: Any = self.model
        if self.with_cp and self.training and torch.is_grad_enabled():
            maps = run_in_segments(network, inputs)
        else:
            maps = network(inputs)
        for node in self.nodes:
            if maps[node].ndim == 3:
                raise ValueError(
                    f'node {node!r} gives tokens {tuple(maps[node].shape)} '
                    'and no map: give the numbers of the blocks, such as '
                    'nodes=(-1,), with source timm'
                )
        return maps

    def _numbered(self, inputs: Tensor) -> dict[int, Tensor]:
        numbers = sorted(set(self.nodes))
        network: Any = self.model
        maps = network.forward_intermediates(
            inputs,
            indices=numbers,
            norm=self.final_norm,
            output_fmt='NCHW',
            intermediates_only=True,
        )
        return dict(zip(numbers, maps, strict=True))

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
        """Set the mode; what is frozen or at rest keeps its own."""
        super().train(mode)
        for module in self.frozen:
            module.eval()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        return self

    def __setstate__(self, state: dict) -> None:
        """Restore a copy, whose graph always comes in training mode."""
        super().__setstate__(state)
        self.train(self.training)


def _are_numbers(nodes: tuple) -> bool:
    kinds = {isinstance(node, int) for node in nodes}
    if len(kinds) > 1:
        raise ValueError(f'nodes are all names or all numbers, not {nodes}')
    return kinds == {True}


def _from_timm(name: str, kwargs: dict) -> tuple[nn.Module, Callable]:
    import timm
    from timm.models import create_feature_extractor

    if kwargs.get('checkpoint_path'):
        # timm refuses what could run code too, but names no file.
        read_checkpoint(kwargs['checkpoint_path'], 'cpu')
    try:
        network = timm.create_model(name, **{'pretrained': False, **kwargs})
    except RuntimeError as error:
        raise _unknown(name, 'timm', timm.list_models(), error) from error
    return network, create_feature_extractor


def _from_torchvision(name: str, kwargs: dict) -> tuple[nn.Module, Callable]:
    import torchvision
    from torchvision.models.feature_extraction import create_feature_extractor

    models = torchvision.models
    try:
        network = models.get_model(name, **{'weights': None, **kwargs})
    except ValueError as error:
        known = models.list_models()
        raise _unknown(name, 'torchvision', known, error) from error
    return network, create_feature_extractor


def _unknown(
    name: str, library: str, known: Sequence[str], error: Exception
) -> Exception:
    """What to raise where a library makes no network of this name."""
    if not str(error).startswith('Unknown model'):
        return error
    like = get_close_matches(name, known, n=3)
    hint = f'; do you mean {" or ".join(like)}?' if like else ''
    return ValueError(f'{library} has no network {name!r}{hint}')


def _cut(
    extract: Callable, network: nn.Module, nodes: tuple, name: str
) -> nn.Module:
    try:
        return extract(network, list(nodes))
    except ValueError as error:
        known = [n for n, _ in network.named_modules() if n.count('.') < 2]
        raise ValueError(
            f'{name} has not all of the nodes {nodes} ({error}); its outer '
            f'modules are {", ".join(filter(None, known))}'
        ) from error


def _part(network: nn.Module, name: str, model_name: str) -> nn.Module:
    try:
        return network.get_submodule(name)
    except AttributeError as error:
        known = [n for n, _ in network.named_modules() if n.count('.') < 2]
        raise ValueError(
            f'{model_name} has no module {name!r} to freeze; its outer '
            f'modules are {", ".join(filter(None, known))}'
        ) from error


def _prune(
    network: Any, nodes: tuple, keeps_norm: bool, name: str
) -> tuple[int, ...]:
    """Leave out what comes after ``nodes``; their numbers, from 0."""
    if not hasattr(network, 'prune_intermediate_layers'):
        raise ValueError(
            f"{name} cannot number its stages (timm's networks with "
            'forward_intermediates can): give nodes by name'
        )
    try:
        return tuple(
            network.prune_intermediate_layers(
                list(nodes), prune_norm=not keeps_norm
            )
        )
    except AssertionError as error:
        raise ValueError(
            f'{name} has not all of the nodes {nodes}: {error}'
        ) from error


def _checkpoint_blocks(network: Any, norm_eval: bool, name: str) -> None:
    """Have timm do the blocks again in the backward pass."""
    norm = nn.modules.batchnorm._BatchNorm
    if not norm_eval and any(isinstance(m, norm) for m in network.modules()):
        raise ValueError(
            f'{name} has batch normalisation, whose running statistics would '
            'count each batch twice: with with_cp=True give nodes by name, '
            'or norm_eval=True'
        )
    try:
        network.set_grad_checkpointing(True)
    except (AttributeError, AssertionError) as error:
        raise ValueError(
            f'timm cannot checkpoint {name}: leave with_cp out, or give '
            'nodes by name'
        ) from error
