"""How weights fit a model: in numbers, in a line, and in a refusal."""

import logging
import re

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.model import BaseModule, MMDistributedDataParallel
from safetensors.torch import save_file
from torch import nn

from mmc2f.weights import (
    Fit,
    MisfitError,
    load_checkpoint,
    load_weights,
    state_dict_of,
)
from mmc2f.weights.load import NUM_SHOWN

SOURCE = 'epoch_1.pth'


class Tiny(BaseModule):
    """A backbone of two blocks, and a head."""

    def __init__(self, classes=2, init_cfg=None):
        super().__init__(init_cfg=init_cfg)
        self.backbone = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.head = nn.Linear(4, classes)


@pytest.fixture
def weights():
    return Tiny().state_dict()


@pytest.fixture
def lines(monkeypatch):
    """What is logged, with its level."""
    found = []
    monkeypatch.setattr(
        'mmc2f.weights.load.print_log',
        lambda text, logger, level: found.append((level, text)),
    )
    return found


def test_complete(weights, lines):
    model = Tiny()
    fit = load_weights(model, weights, SOURCE)
    # Of the normalisation four count; its counter does not.
    assert fit == Fit(SOURCE, total=8, used=9)
    assert fit.is_complete
    for name, value in model.state_dict().items():
        assert torch.equal(value, weights[name]), name
    text = 'epoch_1.pth: 8 of 8 tensors of the model are in it'
    assert lines == [(logging.INFO, text)]


def test_missing_tensors_are_refused_and_named(weights):
    del weights['head.bias']
    with pytest.raises(MisfitError) as caught:
        load_weights(Tiny(), weights, SOURCE)
    assert str(caught.value) == (
        'the weights do not fit the model: epoch_1.pth: 7 of 8 tensors of '
        'the model are in it; missing are head.bias; take the config that '
        'they were trained with, and its num_classes'
    )


def test_other_shapes_are_refused_and_named(weights):
    with pytest.raises(MisfitError) as caught:
        load_weights(Tiny(classes=7), weights, SOURCE)
    assert (
        '6 of 8 tensors of the model are in it; of another shape are '
        'head.weight ((2, 4), and (7, 4) in the model), '
        'head.bias ((2), and (7) in the model); take'
    ) in str(caught.value)


@pytest.mark.parametrize('needed', ['', ()])
@pytest.mark.parametrize('weights', [{}, {'a.b': torch.ones(1)}])
def test_nothing_that_fits_is_refused(weights, needed):
    with pytest.raises(MisfitError, match='0 of 8 tensors'):
        load_weights(Tiny(), weights, SOURCE, needed)


def test_weights_of_a_diverged_training_are_refused(weights):
    name = next(iter(weights))
    weights[name] = torch.full_like(weights[name], float('nan'))
    message = rf'1 weights are NaN in here\.pth \({re.escape(name)}\)'
    with pytest.raises(ValueError, match=message):
        load_weights(Tiny(), weights, 'here.pth')


def test_long_lists_are_cut(weights):
    with pytest.raises(MisfitError) as caught:
        load_weights(Tiny(), {}, SOURCE)
    text = str(caught.value)
    assert f'and {8 - NUM_SHOWN} more' in text
    assert 'running_mean' not in text


def test_warm_start_takes_what_fits_and_says_so(weights, lines):
    model = Tiny(classes=7)
    start = model.head.weight.clone()
    fit = load_weights(model, weights, SOURCE, needed=())
    assert not fit.is_complete
    assert torch.equal(model.backbone[0].weight, weights['backbone.0.weight'])
    assert torch.equal(model.head.weight, start)
    ((level, text),) = lines
    assert level == logging.WARNING
    assert 'of another shape are head.weight' in text


def test_parts_that_are_needed(weights):
    load_weights(Tiny(classes=7), weights, SOURCE, needed='backbone.')
    del weights['backbone.0.bias']
    with pytest.raises(MisfitError, match=r'missing are backbone\.0\.bias'):
        load_weights(Tiny(), weights, SOURCE, needed=['backbone.'])


def test_what_is_not_used_is_named_by_its_largest_part(weights, lines):
    for name in ('backbone.2.weight', 'backbone.2.bias', 'neck.a.b', 'x'):
        weights[name] = torch.ones(1)
    fit = load_weights(Tiny(), weights, SOURCE)
    assert fit.unused == ('neck', 'x', 'backbone.2')
    assert lines[0][0] == logging.INFO
    assert lines[0][1].endswith('not used are neck, x, backbone.2')


def test_older_files_have_no_counters(weights):
    load_weights(
        Tiny(),
        {n: v for n, v in weights.items() if 'num_batches' not in n},
        SOURCE,
    )


def test_prefix_of_a_wrapper_is_taken_off(weights):
    load_weights(Tiny(), {f'module.{n}': v for n, v in weights.items()}, 'a')


def test_wrapped_model(weights):
    model = Tiny()
    wrapper = MMDistributedDataParallel.__new__(MMDistributedDataParallel)
    nn.Module.__init__(wrapper)
    wrapper.module = model
    load_weights(wrapper, weights, SOURCE)
    assert torch.equal(model.head.weight, weights['head.weight'])


def test_module_may_forgive(weights):
    """As LoRA does for the base, which its checkpoints leave out."""
    model = Tiny()
    model.backbone.register_load_state_dict_post_hook(
        lambda _, keys: keys.missing_keys.clear()
    )
    kept = {n: v for n, v in weights.items() if n.startswith('head')}
    assert load_weights(model, kept, SOURCE).is_complete


def test_weights_that_are_no_tensors(weights):
    weights['head.bias'] = 'text'
    with pytest.raises(MisfitError, match=r'in epoch_1\.pth .*head\.bias'):
        load_weights(Tiny(), weights, SOURCE)
    with pytest.raises(ValueError, match=r'epoch_1\.pth has no state dict'):
        state_dict_of({'state_dict': None}, SOURCE)


def test_model_without_tensors():
    assert load_weights(nn.ReLU(), {}, SOURCE).total == 0


@pytest.mark.parametrize('name', ['a.pth', 'a.safetensors'])
def test_from_a_file(tmp_path, weights, name):
    path = tmp_path / name
    if path.suffix == '.pth':
        torch.save(dict(state_dict=weights, meta=dict(epoch=1)), path)
    else:
        save_file(weights, path)
    model = Tiny()
    load_checkpoint(model, str(path))
    assert torch.equal(model.head.weight, weights['head.weight'])


def initialised(path, prefix=None):
    init_cfg = dict(type='Pretrained', checkpoint=str(path), prefix=prefix)
    model = Tiny(init_cfg=init_cfg)
    model.init_weights()
    return model


@pytest.fixture
def log(tmp_path):
    """Reads what is logged from now on."""
    file = tmp_path / 'log.txt'
    MMLogger.get_instance(
        f'test_load_{tmp_path.name}', log_file=str(file), log_level='INFO'
    )
    return file.read_text


def test_normal_start_has_no_warning(tmp_path, weights, log):
    """Of a backbone that has no classifier."""
    weights['fc.weight'] = torch.ones(1)
    torch.save(weights, tmp_path / 'a.pth')
    model = initialised(tmp_path / 'a.pth')
    assert torch.equal(model.head.weight, weights['head.weight'])
    text = log()
    assert 'match' not in text and 'WARNING' not in text
    assert 'a.pth: 8 of 8 tensors' in text
    assert 'in it; not used are fc\n' in text


def test_start_without_a_part_of_the_model_is_one_warning(
    tmp_path, weights, log
):
    del weights['head.bias']
    torch.save(
        {f'teacher.{n}': v for n, v in weights.items()}, tmp_path / 'a.pth'
    )
    initialised(tmp_path / 'a.pth', prefix='teacher')
    assert log().count('WARNING') == 1
    assert 'missing are head.bias' in log()


def test_start_from_another_model_is_refused(tmp_path, weights):
    torch.save({'a.b': torch.ones(1)}, tmp_path / 'a.pth')
    with pytest.raises(MisfitError, match=r'a\.pth: 0 of 8 tensors'):
        initialised(tmp_path / 'a.pth')
    with pytest.raises(MisfitError, match=r"no weights below 'student\.'"):
        initialised(tmp_path / 'a.pth', prefix='student.')
