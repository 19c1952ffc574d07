"""A traced network that keeps few activations for its backward pass."""

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx, nn
from torch.fx.node import map_arg
from torch.utils.checkpoint import checkpoint

__all__ = ['Segment', 'run_in_segments', 'split_graph']

_IN_PLACE = (operator.iadd, operator.isub, operator.imul)


@dataclass(frozen=True)
class Segment:
    """Operations that are done again in the backward pass.

    Attributes:
        nodes: The operations, in order.
        takes: What they need of those before.
        gives: Those of them that later ones, or the caller, need.
    """

    nodes: tuple[fx.Node, ...]
    takes: tuple[fx.Node, ...]
    gives: tuple[fx.Node, ...]


def run_in_segments(network: fx.GraphModule, images: Tensor) -> Any:
    """Run a traced network, each segment of it under a checkpoint.

    Of the activations only what goes from one segment to the next is kept;
    the backward pass computes the others anew, a segment at a time. With
    about sqrt(n) segments of sqrt(n) operations the memory grows with sqrt(n)
    and the forward pass is done twice (Chen et al., Training deep nets with
    sublinear memory cost, 2016). Values and gradients are the same: random
    states are restored, and what a module counts in its buffers, such as the
    running statistics of batch normalisation, is counted once.

    Args:
        network: Traced, with one input.
        images: Its input.

    Raises:
        RuntimeError: A segment changes in place what it is given, so that it
            could not be done again.
    """
    runner = _Runner(network)
    first, *_, output = network.graph.nodes
    values: dict[fx.Node, Any] = {first: images}
    for segment in split_graph(network):
        taken = [values[node] for node in segment.takes]
        versions = _versions(taken)
        given = checkpoint(
            runner.run_segment,
            segment,
            *taken,
            use_reentrant=False,
            context_fn=_contexts(network, segment),
        )
        if _versions(taken) != versions:
            raise RuntimeError(
                f'{segment.nodes[0].name} to {segment.nodes[-1].name} change '
                'their input in place: this network cannot be checkpointed'
            )
        values.update(zip(segment.gives, given, strict=True))
    return map_arg(output.args[0], values.__getitem__)


def split_graph(network: fx.GraphModule) -> list[Segment]:
    """Cut a graph of n operations into about sqrt(n) parts.

    A cut is made where no more than one value goes on, beside those that are
    returned, as after a residual block, and where none is about to be changed
    in place.
    """
    nodes = [
        node
        for node in network.graph.nodes
        if node.op not in ('placeholder', 'output')
    ]
    place = {node: i for i, node in enumerate(nodes)}
    last_use = {
        node: max((place.get(user, -1) for user in node.users), default=-1)
        for node in network.graph.nodes
    }
    length = math.isqrt(len(nodes))
    parts: list[list[fx.Node]] = [[]]
    live = set(network.graph.nodes) - set(nodes)
    for i, node in enumerate(nodes):
        parts[-1].append(node)
        live = {n for n in (*live, node) if last_use[n] > i}
        is_cut = len(live) <= 1 and not any(
            _changes(network, user, value)
            for value in live
            for user in value.users
        )
        if is_cut and len(parts[-1]) >= length and i + 1 < len(nodes):
            parts.append([])
    return [_segment(part) for part in parts]


def _segment(nodes: Sequence[fx.Node]) -> Segment:
    inside = set(nodes)
    takes = dict.fromkeys(
        node
        for user in nodes
        for node in user.all_input_nodes
        if node not in inside
    )
    gives = (node for node in nodes if not inside.issuperset(node.users))
    return Segment(tuple(nodes), tuple(takes), tuple(gives))


def _changes(network: nn.Module, user: fx.Node, value: fx.Node) -> bool:
    """Whether an operation changes a value in place."""
    if not user.args or user.args[0] is not value:
        return False
    if user.op == 'call_module':
        module = network.get_submodule(str(user.target))
        return bool(getattr(module, 'inplace', False))
    name = getattr(user.target, '__name__', str(user.target))
    return (
        bool(user.kwargs.get('inplace'))
        or user.target in _IN_PLACE
        # As PyTorch names methods and functions that do.
        or (name.endswith('_') and not name.endswith('__'))
    )


def _versions(values: Sequence[Any]) -> list[int]:
    return [x._version for x in values if isinstance(x, Tensor)]


def _contexts(
    network: nn.Module, segment: Segment
) -> Callable[[], tuple[AbstractContextManager, AbstractContextManager]]:
    """Of the forward pass, and of the second one."""
    modules = [
        network.get_submodule(str(node.target))
        for node in segment.nodes
        if node.op == 'call_module'
    ]
    return lambda: (nullcontext(), _unchanged_buffers(modules))


@contextmanager
def _unchanged_buffers(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Leave the buffers of modules as they are before the block."""
    buffers = [buffer for module in modules for buffer in module.buffers()]
    before = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        for buffer, value in zip(buffers, before, strict=True):
            # Past the count of changes: autograd holds these buffers too.
            buffer.data.copy_(value)


class _Runner(fx.Interpreter):
    """Runs some operations of a graph at a time."""

    def run_segment(self, segment: Segment, *values: Any) -> tuple[Any, ...]:
        self.env = dict(zip(segment.takes, values, strict=True))
        for node in segment.nodes:
            self.env[node] = self.run_node(node)
            for past in self.user_to_last_uses.get(node, []):
                # It may be of an earlier segment.
                self.env.pop(past, None)
        given = tuple(self.env[node] for node in segment.gives)
        self.env = {}
        return given
