"""A model as the runner holds it: perhaps wrapped, training or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.dist import all_reduce_params
from mmengine.model import is_model_wrapper
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel

__all__ = [
    'average_buffers',
    'evaluation_mode',
    'unwrap_model',
    'whole_weights',
]


def unwrap_model(model: nn.Module) -> Any:
    """The model inside a distributed wrapper, or the model itself."""
    return model.module if is_model_wrapper(model) else model


def average_buffers(model: nn.Module) -> None:
    """Give all ranks the mean of their running statistics.

    Each rank keeps statistics of batch normalisation of its own images, and
    one rank saves a checkpoint: without this the others would validate
    another model. Buffers of whole numbers, such as a label tree's, are equal
    already.
    """
    buffers = [b for b in model.buffers() if b.is_floating_point()]
    all_reduce_params(buffers, op='mean')


@contextmanager
def whole_weights(model: nn.Module) -> Iterator[None]:
    """Have all weights in their shapes, to read or change them.

    Under FSDP each process else holds a part of them. All must come here.
    """
    if isinstance(model, FullyShardedDataParallel):
        with FullyShardedDataParallel.summon_full_params(model):
            yield
    else:
        yield


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
