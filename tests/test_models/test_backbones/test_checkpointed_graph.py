"""Activations that are computed twice change no value and no gradient."""

import operator

import pytest
import timm
import torch
from torch import fx, nn
from torch.multiprocessing.reductions import StorageWeakRef

from mmc2f.models import FeatureTap
from mmc2f.models.backbones.checkpointed_graph import (
    run_in_segments,
    split_graph,
)

LITE = dict(
    model_name='test_efficientnet', nodes=('blocks.2', 'blocks.3', 'bn2')
)
RESNET = dict(
    model_name='resnet18', nodes=('layer3', 'layer4'), source='torchvision'
)
VIT = dict(
    model_name='test_vit', nodes=(-2, -1), img_size=32, drop_path_rate=0.5
)
TAPS = {
    'efficientnet': LITE,
    'drop path': dict(LITE, drop_path_rate=0.5),
    'frozen parts': dict(LITE, frozen=('conv_stem', 'bn1', 'blocks.0')),
    'norm_eval': dict(LITE, norm_eval=True),
    'channels_last': dict(LITE, channels_last=True),
    # Its ReLUs work in place.
    'resnet': RESNET,
    'by number': VIT,
}


def step(with_cp: bool, config: dict) -> FeatureTap:
    """A network after a forward and a backward pass, always the same ones."""
    torch.manual_seed(0)
    tap = FeatureTap(**config, with_cp=with_cp).train()
    images = torch.randn(4, 3, 32, 32)
    # As CCFR does: two passes before one goes back.
    maps = [*tap(images), *tap(images[:2].flip(3))]
    sum(x.square().mean() for x in maps).backward()
    tap.maps = [x.detach() for x in maps]
    return tap


@pytest.mark.parametrize('name', TAPS)
def test_nothing_changes_but_the_memory(name):
    plain, saving = step(False, TAPS[name]), step(True, TAPS[name])
    for one, other in zip(plain.maps, saving.maps, strict=True):
        assert torch.equal(one, other)
    gradients = dict(saving.named_parameters())
    for key, parameter in plain.named_parameters():
        other = gradients[key].grad
        if parameter.grad is None:
            assert other is None, key
        else:
            assert torch.equal(parameter.grad, other), key
    # Running statistics count each batch once.
    state = saving.state_dict()
    for key, value in plain.state_dict().items():
        assert torch.equal(value, state[key]), key


class Watch:
    """What the layers of a kind put out, as long as it is kept."""

    def __init__(self, tap: FeatureTap, kind: type[nn.Module]) -> None:
        self.calls, self._outputs = 0, []
        for module in tap.modules():
            if isinstance(module, kind):
                module.register_forward_hook(self._note)

    def _note(self, module, inputs, output) -> None:
        self.calls += 1
        self._outputs.append(StorageWeakRef(output.untyped_storage()))

    @property
    def kept(self) -> int:
        return sum(not output.expired() for output in self._outputs)


@pytest.mark.parametrize(
    ('config', 'kind'), [(LITE, nn.Conv2d), (VIT, nn.LayerNorm)]
)
def test_few_activations_are_kept(config, kind):
    watches = {}
    for with_cp in (False, True):
        tap = FeatureTap(**config, with_cp=with_cp).train()
        watch = Watch(tap, kind)
        maps = tap(torch.randn(2, 3, 32, 32))
        kept, forward_calls = watch.kept, watch.calls
        sum(x.mean() for x in maps).backward()
        watches[with_cp] = kept, watch.calls / forward_calls
    (all_kept, once), (few_kept, twice) = watches[False], watches[True]
    assert once == 1 and 1.5 < twice <= 2
    assert few_kept < all_kept / 2


@pytest.mark.parametrize('mode', ['eval', 'no_grad'])
def test_without_a_backward_pass_nothing_is_done_twice(mode, monkeypatch):
    tap = FeatureTap(**LITE, with_cp=True)
    monkeypatch.setattr(
        'mmc2f.models.backbones.feature_tap.run_in_segments', None
    )
    tap.train(mode != 'eval')
    with torch.set_grad_enabled(mode == 'eval'):
        assert len(tap(torch.randn(2, 3, 32, 32))) == 3


def test_segments_are_about_the_root_of_the_operations():
    tap = FeatureTap(**RESNET).train()
    segments = split_graph(tap.model)
    done = [node for segment in segments for node in segment.nodes]
    operations = [
        node
        for node in tap.model.graph.nodes
        if node.op not in ('placeholder', 'output')
    ]
    assert done == operations
    root = len(operations) ** 0.5
    assert root / 2 <= len(segments) <= root + 1
    assert max(len(segment.nodes) for segment in segments) < 3 * root
    for segment in segments:
        assert len(segment.takes) == 1


class Doubles(nn.Module):
    """Its input, which nothing tells from outside."""

    def forward(self, x):
        return x.mul_(2)


def chain(*operations) -> fx.GraphModule:
    """Operations one after the other: functions, methods or modules."""
    root, graph = nn.Module(), fx.Graph()
    x = graph.placeholder('x')
    for number, operation in enumerate(operations):
        if isinstance(operation, nn.Module):
            root.add_module(f'part{number}', operation)
            x = graph.call_module(f'part{number}', (x,))
        elif isinstance(operation, str):
            x = graph.call_method(operation, (x,))
        else:
            x = graph.call_function(*operation(x))
    graph.output({'x': x})
    return fx.GraphModule(root, graph)


def tanh(x):
    return torch.tanh, (x,)


IN_PLACE = {
    'method': 'sigmoid_',
    'module': nn.SiLU(inplace=True),
    'function': lambda x: (torch.sigmoid_, (x,)),
    'operator': lambda x: (operator.imul, (x, 2)),
    'argument': lambda x: (nn.functional.silu, (x,), dict(inplace=True)),
}


@pytest.mark.parametrize('name', IN_PLACE)
def test_no_cut_is_made_before_a_change_in_place(name):
    network = chain(tanh, tanh, IN_PLACE[name], tanh, tanh, tanh)
    parts = split_graph(network)
    assert [len(part.nodes) for part in parts] == [3, 2, 1]


def test_a_segment_that_cannot_be_done_again_is_refused():
    network = chain(tanh, tanh, Doubles(), tanh, tanh, tanh)
    with pytest.raises(RuntimeError, match=r'part2 to .* in place'):
        run_in_segments(network, torch.randn(2, requires_grad=True))


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(LITE, nodes=(-1,)), 'running statistics would count'),
        (dict(model_name='test_vit', nodes=(-1,)), 'timm cannot checkpoint'),
    ],
)
def test_what_cannot_be_checkpointed_is_refused(config, message, monkeypatch):
    def refuse(self, enable=True):
        assert not enable

    monkeypatch.setattr(
        timm.models.VisionTransformer, 'set_grad_checkpointing', refuse
    )
    with pytest.raises(ValueError, match=message):
        FeatureTap(**config, with_cp=True)
