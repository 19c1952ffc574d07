import re
from collections.abc import Iterable
from typing import Any

__all__ = ['translate_pyramid_keys']

# Lateral and smoothing convolution of a level, in torchvision's FPN under
# `fpn` and in mmdet's FPN under `neck`, which may stand in a list of necks.
TORCHVISION = re.compile(r'fpn\.(inner|layer)_blocks\.(\d+)\.0\.(\w+)')
MMDET = re.compile(r'neck\.(?:\d+\.)?(lateral|fpn)_convs\.(\d+)\.conv\.(\w+)')
SAME = {'lateral': 'inner', 'fpn': 'layer'}


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
