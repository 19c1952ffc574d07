"""Puts weights into a model, and says what did not fit."""

import logging
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader
from torch import nn

from mmc2f.model_state import unwrap_model
from mmc2f.weights.read import MapLocation

__all__ = [
    'Fit',
    'MisfitError',
    'load_checkpoint',
    'load_weights',
    'state_dict_of',
]

NUM_SHOWN = 3
#: Written by distributed wrappers before each name.
WRAPPER = re.compile(r'^module\.')
#: How PyTorch says that a shape differs.
RESHAPED = re.compile(
    r'size mismatch for ([^:\s]+):.*?torch\.Size\(\[([\d, ]*)\]\)'
    r'.*?torch\.Size\(\[([\d, ]*)\]\)'
)
#: Of batch normalisation; older checkpoints lack it, and nothing needs it.
COUNTER = 'num_batches_tracked'


class MisfitError(ValueError):
    """Weights are of another model."""


@dataclass(frozen=True)
class Fit:
    """How the weights of a file fit a model.

    Attributes:
        source: The file.
        total: How many tensors the model has.
        used: How many tensors of the file it took.
        missing: Names of those that the file lacks.
        reshaped: Names, with both shapes, of those that have another shape
            in the file.
        unused: Parts of the file that the model has no place for.
    """

    source: str
    total: int
    used: int
    missing: tuple[str, ...] = ()
    reshaped: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every tensor of the model is from the file."""
        return not self.missing and not self.reshaped

    def __str__(self) -> str:
        found = self.total - len(self.missing) - len(self.reshaped)
        parts = [
            f'{self.source}: {found} of {self.total} tensors of the model '
            'are in it'
        ]
        if self.missing:
            parts.append(f'missing are {_some(self.missing)}')
        if self.reshaped:
            parts.append(f'of another shape are {_some(self.reshaped)}')
        if self.unused:
            parts.append(f'not used are {_some(self.unused)}')
        return '; '.join(parts)


def load_checkpoint(
    model: nn.Module,
    path: str,
    map_location: MapLocation = 'cpu',
    needed: str | Sequence[str] = '',
) -> dict[str, Any]:
    """Read a checkpoint into a model.

    Args:
        model: Gets the weights, perhaps inside a distributed wrapper.
        path: As for :func:`~mmc2f.weights.read_checkpoint`, or an address
            that MMEngine knows.
        map_location: As for ``torch.load``.
        needed: See :func:`load_weights`.

    Returns:
        What the file holds.

    Raises:
        MisfitError: See :func:`load_weights`.
    """
    content = CheckpointLoader.load_checkpoint(path, map_location)
    load_weights(model, state_dict_of(content, path), path, needed)
    return content


def state_dict_of(content: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """The weights in a checkpoint, which may be nothing else.

    Raises:
        ValueError: It has none.
    """
    weights = content.get('state_dict', content)
    if not isinstance(weights, Mapping):
        raise ValueError(f'checkpoint {path} has no state dict')
    return weights


def load_weights(
    model: nn.Module,
    weights: Mapping[str, Any],
    source: str,
    needed: str | Sequence[str] = '',
) -> Fit:
    """Put a state dict into a model, and log in a line how it fits.

    Args:
        model: Gets the weights, perhaps inside a distributed wrapper.
        weights: State dict, with or without the prefix of such a wrapper.
        source: The file they are of.
        needed: Beginnings of the names that the file must have, in the
            model's shapes. ``''``: all. ``()``: any, but one at least.

    Raises:
        MisfitError: What is needed is missing or has another shape.
        ValueError: Weights are NaN.
    """
    model = unwrap_model(model)
    fit = _fit(model, _without_wrapper(weights), source)
    needed = (needed,) if isinstance(needed, str) else tuple(needed)
    lacking = [
        name
        for name in (*fit.missing, *fit.reshaped)
        if name.startswith(needed)
    ]
    if lacking or (fit.total and not fit.used):
        raise MisfitError(
            f'the weights do not fit the model: {fit}; take the config that '
            'they were trained with, and its num_classes'
        )
    _check_numbers(model, source)
    level = logging.INFO if fit.is_complete else logging.WARNING
    print_log(str(fit), logger='current', level=level)
    return fit


def _check_numbers(model: nn.Module, source: str) -> None:
    """Refuse the weights of a training that has diverged."""
    broken = [
        name
        for name, value in model.state_dict().items()
        if value.is_floating_point() and bool(value.isnan().any())
    ]
    if broken:
        raise ValueError(
            f'{len(broken)} weights are NaN in {source} ({_some(broken)}): '
            'the training has diverged; take an earlier checkpoint'
        )


def _fit(model: nn.Module, weights: Mapping[str, Any], source: str) -> Fit:
    """Load what fits, and say what does not."""
    found: list[Any] = []
    # Where a shape differs, PyTorch raises and returns nothing.
    handle = model.register_load_state_dict_post_hook(
        lambda _, keys: found.append(keys)
    )
    reshaped = []
    try:
        model.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        reshaped = RESHAPED.findall(str(error))
        if not reshaped:
            reason = ' '.join(str(error).split())
            raise MisfitError(
                f'the weights in {source} do not fit the model: {reason}'
            ) from error
    finally:
        handle.remove()
    missing, unused = found[-1]
    own = [name for name in model.state_dict() if COUNTER not in name]
    return Fit(
        source=source,
        total=len(own),
        used=len(weights) - len(unused) - len(reshaped),
        missing=tuple(name for name in missing if COUNTER not in name),
        reshaped=tuple(
            f'{name} (({theirs}), and ({ours}) in the model)'
            for name, theirs, ours in reshaped
        ),
        unused=tuple(_parts_left_out(model, unused)),
    )


def _parts_left_out(model: nn.Module, unused: Sequence[str]) -> list[str]:
    """The largest parts of the file that the model has no place for."""
    parts = {name for name, _ in model.named_modules()}
    found: dict[str, None] = {}
    for name in unused:
        pieces = name.split('.')
        whole = next(
            (
                '.'.join(pieces[:end])
                for end in range(1, len(pieces))
                if '.'.join(pieces[:end]) not in parts
            ),
            name,
        )
        found[whole] = None
    return list(found)


def _without_wrapper(weights: Mapping[str, Any]) -> OrderedDict[str, Any]:
    renamed: Any = OrderedDict(
        (WRAPPER.sub('', name), value) for name, value in weights.items()
    )
    # Versions of modules, by which some translate older names.
    renamed._metadata = getattr(weights, '_metadata', OrderedDict())
    return renamed


def _some(names: Sequence[str]) -> str:
    shown = ', '.join(names[:NUM_SHOWN])
    more = len(names) - NUM_SHOWN
    return f'{shown} and {more} more' if more > 0 else shown
