"""Gradients that are bounded part by part."""

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmc2f.engine import ClipByPart

clip = nn.utils.clip_grad_norm_


class TwoParts(nn.Module):
    """A part with a large gradient, one with a small one, one parameter."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
        self.head = nn.Linear(3, 2)
        self.scale = nn.Parameter(torch.ones(1))


def with_gradients(**scales):
    torch.manual_seed(0)
    model = TwoParts()
    for name, parameter in model.named_parameters():
        size = scales.get(name.split('.')[0], 0.01)
        parameter.grad = size * torch.randn_like(parameter)
    return model


def gradients(module):
    return torch.cat([p.grad.flatten() for p in module.parameters()])


def test_each_part_is_clipped_by_itself():
    model = with_gradients(backbone=100.0, head=0.1)
    before = {n: gradients(m).clone() for n, m in model.named_children()}
    norm = ClipByPart(model, clip)(list(model.parameters()), max_norm=2.0)
    backbone = gradients(model.backbone)
    torch.testing.assert_close(backbone.norm(), torch.tensor(2.0))
    torch.testing.assert_close(
        backbone, 2 * before['backbone'] / before['backbone'].norm()
    )
    assert gradients(model.head).equal(before['head'])
    together = torch.cat([*before.values(), model.scale.grad])
    torch.testing.assert_close(norm, together.norm())


def test_one_bound_for_all_would_shrink_the_small_part():
    model = with_gradients(backbone=100.0, head=0.1)
    before = gradients(model.head).norm()
    clip(list(model.parameters()), max_norm=2.0)
    assert gradients(model.head).norm() < 0.1 * before


def test_parameters_of_the_model_itself_are_one_part():
    model = with_gradients(scale=50.0, head=0.1)
    before = gradients(model.head).clone()
    ClipByPart(model, clip)(list(model.parameters()), max_norm=1.0)
    torch.testing.assert_close(model.scale.grad.norm(), torch.tensor(1.0))
    assert gradients(model.head).equal(before)


def test_what_clips_values_returns_no_norm():
    model = with_gradients(head=10.0)
    clipped = ClipByPart(model, nn.utils.clip_grad_value_)
    assert clipped(list(model.parameters()), clip_value=0.5) is None
    assert gradients(model).abs().max() <= 0.5


def wrapper(model, **options):
    return build_optim_wrapper(
        model,
        dict(
            type='OptimWrapper',
            constructor='mmc2f.PartOptimWrapperConstructor',
            optimizer=dict(type='SGD', lr=1.0),
            **options,
        ),
    )


@pytest.mark.parametrize('paramwise', [None, dict(bias_lr_mult=2.0)])
def test_a_config_asks_for_it(paramwise):
    model = with_gradients(backbone=100.0, head=0.1)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    head = gradients(model.head).clone()
    options = dict(paramwise_cfg=paramwise) if paramwise else {}
    wrapper(model, clip_grad=dict(max_norm=2.0), **options).step()
    weight = model.head.weight
    torch.testing.assert_close(
        before['head.weight'] - weight, head[:6].reshape(2, 3)
    )
    moved = [
        before[n] - p
        for n, p in model.named_parameters()
        if n.startswith('backbone') and n.endswith('weight')
    ]
    assert torch.cat([m.flatten() for m in moved]).norm() <= 2.0


def test_without_clip_grad_nothing_is_clipped():
    model = with_gradients(backbone=100.0)
    before = gradients(model.backbone).clone()
    wrapper(model).step()
    assert gradients(model.backbone).equal(before)
