"""Weights of another model are neither tested nor resumed from."""

import pytest
import torch
from tiny_ccfr import own_default_scope, tiny_config, write_images

from mmc2f.engine import StrictRunner
from mmc2f.weights import MisfitError


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'))


@pytest.fixture
def cfg(images, tmp_path):
    cfg = tiny_config(images, tmp_path / 'work', epochs=(1, 1, 1))
    cfg.test_evaluator = dict(type='Accuracy', topk=1)
    return cfg


@pytest.fixture
def weights(cfg):
    with own_default_scope():
        return StrictRunner.from_cfg(cfg).model.state_dict()


def checkpoint(cfg, tmp_path, weights, **state):
    path = tmp_path / 'epoch_1.pth'
    torch.save(dict(state_dict=weights, **state), path)
    cfg.load_from = str(path)
    cfg.experiment_name += '_again'


def run(cfg, way):
    with own_default_scope():
        runner = StrictRunner.from_cfg(cfg)
        getattr(runner, way)()
    return runner


def of_seven_classes(weights):
    return {
        name: torch.cat([value, value[:3]])
        if name.startswith('head.fc.')
        else value
        for name, value in weights.items()
    }


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda weights: {}, r'missing are backbone.* more'),
        (lambda weights: {'fc.weight': torch.ones(2)}, 'not used are fc;'),
        (of_seven_classes, r'head.fc.weight \(\(7, 288\), and \(4, 288\)'),
    ],
    ids=['empty', 'another', 'seven_classes'],
)
def test_other_weights_are_not_tested(cfg, weights, tmp_path, change, message):
    checkpoint(cfg, tmp_path, change(weights))
    with pytest.raises(MisfitError, match=message) as caught:
        run(cfg, 'test')
    assert 'epoch_1.pth' in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(MisfitError):
        run(cfg, 'load_or_resume')


def test_own_weights_are_tested(cfg, weights, tmp_path):
    checkpoint(cfg, tmp_path, weights)
    assert run(cfg, 'test').model.state_dict().keys() == weights.keys()


def test_training_starts_from_what_fits(cfg, weights, tmp_path):
    kept = {n: v for n, v in weights.items() if not n.startswith('head.')}
    kept = {
        n: torch.full_like(v, 0.5)
        for n, v in kept.items()
        if v.is_floating_point()
    }
    checkpoint(cfg, tmp_path, kept)
    cfg.train_cfg.max_epochs = 0
    cfg.custom_hooks = cfg.param_scheduler = []
    model = run(cfg, 'train').model
    assert (model.state_dict()['backbone.model.conv_stem.weight'] == 0.5).all()
    checkpoint(cfg, tmp_path, {})
    with pytest.raises(MisfitError, match='do not fit'):
        run(cfg, 'train')


def test_training_resumes_from_nothing_less_than_a_training(
    cfg, weights, tmp_path
):
    cfg.resume = True
    checkpoint(cfg, tmp_path, weights)
    with pytest.raises(ValueError, match=r'load_from'):
        run(cfg, 'train')
    checkpoint(cfg, tmp_path, {}, meta=dict(epoch=1, iter=2), message_hub={})
    with pytest.raises(MisfitError, match='missing'):
        run(cfg, 'train')
