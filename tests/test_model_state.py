import pytest
import torch
from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from mmc2f import model_state
from mmc2f.model_state import (
    average_buffers,
    evaluation_mode,
    unwrap_model,
    whole_weights,
)


def test_each_module_gets_its_mode_back():
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2).eval())
    modes = [module.training for module in model.modules()]
    with pytest.raises(RuntimeError), evaluation_mode(model):
        assert not any(module.training for module in model.modules())
        raise RuntimeError
    assert [module.training for module in model.modules()] == modes
    assert set(modes) == {True, False}


def test_unwraps_what_mmengine_calls_a_wrapper():
    class Wrapper(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

    model = nn.Linear(1, 1)
    assert unwrap_model(model) is model
    # A plain container with a ``module`` is not a wrapper.
    other = Wrapper(model)
    assert unwrap_model(other) is other
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODEL_WRAPPERS._module_dict, 'Wrapper', Wrapper)
        assert unwrap_model(other) is model


def test_statistics_are_averaged_and_whole_numbers_left_alone(monkeypatch):
    shared = []
    monkeypatch.setattr(
        model_state,
        'all_reduce_params',
        lambda buffers, op: shared.append((list(buffers), op)),
    )
    norm = nn.BatchNorm1d(2)
    norm.register_buffer('tree_json', torch.tensor([200], dtype=torch.uint8))
    average_buffers(norm)
    [(buffers, how)] = shared
    assert how == 'mean'
    expected = [norm.running_mean, norm.running_var]
    assert all(a is b for a, b in zip(buffers, expected, strict=True))


def test_weights_of_a_plain_model_are_whole():
    model = nn.Linear(2, 3)
    with whole_weights(model):
        assert model.weight.shape == (3, 2)
