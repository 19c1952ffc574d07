"""Convolutions that take a normalisation at rest into their weights."""

from collections.abc import Callable

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call

__all__ = ['fold_norms', 'folded_conv_norm']

NORM = nn.modules.batchnorm._BatchNorm


def folded_conv_norm(conv: nn.Conv2d, norm: nn.Module, x: Tensor) -> Tensor:
    r"""Convolution and batch normalisation, in one step where it can be.

    A normalisation on its running statistics is an affine map of each
    channel, so with :math:`s = \gamma / \sqrt{\sigma^2 + \epsilon}`

    .. math:: s (w * x + b - \mu) + \beta = (s w) * x + s (b - \mu) + \beta.

    The right side has the same gradients for :math:`x, w, \gamma, \beta` and
    needs neither the output of the convolution nor a pass over it. In
    training mode, with statistics of the batch, the two run one after the
    other.

    Args:
        conv: The convolution, also timm's with 'same' padding.
        norm: ``BatchNorm2d``, or timm's ``BatchNormAct2d``, whose activation
            is applied.
        x: Map ``(B, C, H, W)``.

    Returns:
        Map ``(B, C', H', W')``.
    """
    if norm.training or not norm.track_running_stats:
        return norm(conv(x))
    scale = torch.rsqrt(norm.running_var + norm.eps)
    shift = -norm.running_mean
    if conv.bias is not None:
        shift = shift + conv.bias
    if norm.affine:
        scale = norm.weight * scale
    bias = scale * shift
    if norm.affine:
        bias = bias + norm.bias
    weight = conv.weight * scale.view(-1, *[1] * (conv.weight.dim() - 1))
    y = functional_call(conv, {'weight': weight, 'bias': bias}, (x,))
    # timm's norms carry what follows them.
    for name in ('drop', 'act'):
        y = getattr(norm, name, _same)(y)
    return y


def fold_norms(network: fx.GraphModule) -> int:
    """Let each convolution of a traced network take its normalisation in.

    The modules and the names of their weights stay; only the calls change,
    in the graphs of training and of evaluation mode where there are two.

    Args:
        network: Changed in place.

    Returns:
        How many pairs there are.
    """
    modules = dict(network.named_modules())
    # torchvision's extractor keeps a graph for each mode.
    graphs = [
        getattr(network, name)
        for name in ('train_graph', 'eval_graph')
        if hasattr(network, name)
    ]
    count = min(_fold(g, modules) for g in graphs or [network.graph])
    network.recompile()
    return count


def _fold(graph: fx.Graph, modules: dict[str, nn.Module]) -> int:
    pairs = [
        node
        for node in graph.nodes
        if _calls(node, modules, NORM)
        and _calls(node.args[0], modules, nn.Conv2d)
        and len(node.args[0].users) == 1
    ]
    for norm in pairs:
        conv = norm.args[0]
        with graph.inserting_before(norm):
            parts = [graph.get_attr(n.target) for n in (conv, norm)]
            both = graph.call_function(folded_conv_norm, (*parts, *conv.args))
        norm.replace_all_uses_with(both)
        graph.erase_node(norm)
        graph.erase_node(conv)
    return len(pairs)


def _same(x: Tensor) -> Tensor:
    return x


def _calls(node: fx.Node, modules: dict, kind: type | Callable) -> bool:
    return (
        isinstance(node, fx.Node)
        and node.op == 'call_module'
        and isinstance(modules[node.target], kind)
    )
