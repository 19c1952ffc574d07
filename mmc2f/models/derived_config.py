"""Arguments that the config of a part leaves out, from the parts before it.

A config states facts, such as the number of classes; class counts of heads
and channels of layers follow from them. What a config does give is kept.
"""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from mmengine.registry import Registry
from torch import Tensor, nn

__all__ = ['FeatureChannels', 'build_part', 'channels_read', 'with_defaults']

#: Maps that a multi-linear neck combines where it does not say.
NUM_MAPS = 3


def with_defaults(cfg: Any, registry: Registry, **defaults: Any) -> Any:
    """Add arguments that the class of a part takes and its config lacks.

    Args:
        cfg: Config of the part, which is not changed; a built module is
            returned as it is.
        registry: Where the class is found.
        **defaults: Values, or functions of no arguments that find them and
            are called only where they are needed. A value of None is not
            added.
    """
    if not isinstance(cfg, Mapping) or 'type' not in cfg:
        return cfg
    part = _class_of(cfg, registry)
    completed = dict(cfg)
    for name, value in defaults.items():
        if name in cfg or not _takes(part, name):
            continue
        value = value() if callable(value) else value
        if value is not None:
            completed[name] = value
    return completed


def build_part(cfg: Any, registry: Registry, **defaults: Any) -> Any:
    """Build a part from :func:`with_defaults` of its config."""
    return registry.build(with_defaults(cfg, registry, **defaults))


class FeatureChannels:
    """Channels of a backbone's maps and of the pooled feature.

    They are found by a dry run on an empty image, when first asked for.

    Args:
        backbone: Takes images ``(1, 3, size, size)``.
        size: Side of the image in pixels, one that the backbone can read.
    """

    def __init__(self, backbone: nn.Module, size: int) -> None:
        self.backbone = backbone
        self.size = size

    @cached_property
    def _outputs(self) -> tuple:
        images = torch.zeros(1, 3, self.size, self.size)
        try:
            with _dry_run(self.backbone):
                return self.backbone(images)
        except Exception as error:
            raise ValueError(
                f'{type(self.backbone).__name__} cannot read an image of '
                f'{self.size} x {self.size}, from which the channels of its '
                'maps would follow: give neck, navigator, fusion and heads '
                f'their in_channels ({error})'
            ) from error

    @property
    def maps(self) -> tuple[int, ...]:
        """Channels of each map, in the backbone's order."""
        return tuple(_channels(output) for output in self._outputs)

    @property
    def last(self) -> int:
        """Channels of the last map."""
        return self.maps[-1]

    def pooled(self, neck: nn.Module | None) -> int:
        """Length of the feature that a neck makes of the maps."""
        if neck is None:
            return self.last
        with _dry_run(neck):
            return _channels(neck(self._outputs)[-1])


def channels_read(
    cfg: Mapping, channels: FeatureChannels
) -> int | tuple[int, ...]:
    """``in_channels`` of a neck or navigator, by the maps that it reads.

    Args:
        cfg: Its config. ``in_indices``, or their default, say which maps; a
            multi-linear neck without them reads as many of the last as its
            ``interactions`` name; any other part the last map.
        channels: Of the backbone.
    """
    indices = cfg.get('in_indices')
    if indices is None and _class_name(cfg) == 'FPNNavigatorHead':
        indices = (-2, -1)
    if indices is None and _class_name(cfg) == 'TrilinearPoolingNeck':
        chosen = cfg.get('interactions')
        count = 1 + max(map(max, chosen)) if chosen else NUM_MAPS
        indices = range(-count, 0)
    if indices is None:
        return channels.last
    return tuple(channels.maps[i] for i in indices)


def _class_of(cfg: Mapping, registry: Registry) -> type:
    kind = cfg['type']
    if not isinstance(kind, str):
        return kind
    with registry.switch_scope_and_registry(cfg.get('_scope_')) as found:
        part = found.get(kind)
    if part is None:
        # The registry names what it knows.
        registry.build(dict(cfg))
    return part


def _class_name(cfg: Mapping) -> str:
    kind = cfg.get('type', '')
    return getattr(kind, '__name__', kind).rpartition('.')[2]


def _takes(part: type, name: str) -> bool:
    """Whether a class takes an argument, itself or by its ``**kwargs``."""
    for base in part.__mro__:
        init = base.__dict__.get('__init__')
        if init is None:
            continue
        parameters = inspect.signature(init).parameters
        if name in parameters:
            return True
        kinds = {parameter.kind for parameter in parameters.values()}
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            return False
    return False


def _channels(output: Tensor) -> int:
    return output.shape[1]


@contextmanager
def _dry_run(module: nn.Module) -> Iterator[None]:
    """Without gradients, statistics or random numbers."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode
