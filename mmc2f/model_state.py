"""A model as the runner holds it: perhaps wrapped, training or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.model import is_model_wrapper
from torch import nn

__all__ = ['evaluation_mode', 'unwrap_model']


def unwrap_model(model: nn.Module) -> Any:
    """The model inside a distributed wrapper, or the model itself."""
    return model.module if is_model_wrapper(model) else model


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put a model in evaluation mode, and restore the mode of each module.

    Each module has its own flag: frozen stages are in evaluation mode while
    the model trains, and must stay so.

    Args:
        model: Changed in place while the context is open.
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
