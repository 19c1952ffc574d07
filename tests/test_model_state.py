import pytest
from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from mmc2f.model_state import evaluation_mode, unwrap_model


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
