"""Bound the gradient of each part of a model by itself."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import torch
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from torch import Tensor, nn

from mmc2f.model_state import unwrap_model
from mmc2f.registry import OPTIM_WRAPPER_CONSTRUCTORS

__all__ = ['ClipByPart', 'PartOptimWrapperConstructor']


class ClipByPart:
    """Clip gradients part by part instead of all together.

    With one bound for the whole model, a part whose gradient is large makes
    the steps of all others small: the backbone of CCFR, which five losses
    send gradients to, those of its classifiers.

    Args:
        model: Its direct children are the parts; parameters of its own are
            one more.
        clip: What clips one part, such as
            :func:`torch.nn.utils.clip_grad_norm_`.
    """

    def __init__(self, model: nn.Module, clip: Callable) -> None:
        self.clip = clip
        self.part_of = {
            id(parameter): name.split('.')[0] if '.' in name else ''
            for name, parameter in model.named_parameters()
        }

    def __call__(self, params: Sequence[Tensor], **limits) -> Tensor | None:
        """Clip the gradients of ``params`` in place.

        Args:
            params: Those that have a gradient.
            **limits: Given to ``clip``, for each part the same.

        Returns:
            The norm of all gradients before, where ``clip`` returns norms,
            for the log.
        """
        parts = defaultdict(list)
        for parameter in params:
            parts[self.part_of.get(id(parameter), '')].append(parameter)
        norms = [self.clip(part, **limits) for part in parts.values()]
        if any(norm is None for norm in norms):
            return None
        return torch.linalg.vector_norm(torch.stack(norms))


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class PartOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """MMEngine's, with ``clip_grad`` for each part of the model by itself.

    .. code-block:: python

        optim_wrapper = dict(
            constructor='mmc2f.PartOptimWrapperConstructor',
            clip_grad=dict(max_norm=5.0),
        )
    """

    def __call__(self, model: nn.Module) -> OptimWrapper:
        wrapper = super().__call__(model)
        if wrapper.clip_grad_kwargs:
            wrapper.clip_func = ClipByPart(
                unwrap_model(model), wrapper.clip_func
            )
        return wrapper
