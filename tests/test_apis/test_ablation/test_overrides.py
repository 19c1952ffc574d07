"""Overrides of a row, in the config and on the command line."""

import pytest

from mmc2f.apis import load_config
from mmc2f.apis.ablation.overrides import (
    cfg_options,
    config_digest,
    flatten,
    merged_config,
    training_part,
)

CONFIG = """
data_root = '{{$ABLATE_DATA:data}}/birds'
model = dict(head=dict(type='A', loss=dict(type='B', x=1)))
custom_hooks = [dict(type='mmc2f.One'), dict(type='mmc2f.ReRankHook', n=1)]
gate = 'per_class'
loader = dict(dataset=dict(pipeline=[dict(type='Load'), dict(type='Crop')]))
test_cfg = dict()
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'own.py'
    path.write_text(CONFIG)
    return path


def test_flatten():
    nested = {'a': {'b': {'c': 1}, '_delete_': True}, 'd.e': 2}
    assert flatten(nested) == {'a.b.c': 1, 'a._delete_': True, 'd.e': 2}


def test_merges_as_the_command_line_does(config):
    overrides = {
        'model': dict(head=dict(loss=dict(type='C', _delete_=True))),
        'custom_hooks[ReRankHook].n': 5,
        'custom_hooks[mmc2f.One].new': (1,),
        'loader.dataset.pipeline[Crop].size': 3,
    }
    cfg, dotted = merged_config(config, overrides)
    assert cfg.model.head == dict(type='A', loss=dict(type='C'))
    assert cfg.custom_hooks == [
        dict(type='mmc2f.One', new=(1,)),
        dict(
            type='mmc2f.ReRankHook',
            n=5,
            post_processor=dict(
                type='mmc2f.ReRankPostProcessor', gate='per_class'
            ),
        ),
    ]
    assert cfg.loader.dataset.pipeline[1] == dict(type='Crop', size=3)
    # What every tool makes of the same options.
    assert load_config(config, dotted).to_dict() == cfg.to_dict()


@pytest.mark.parametrize(
    ('overrides', 'message'),
    [
        ({'custom_hooks[Two].n': 1}, 'has 0 parts of the type Two'),
        ({'nothing[Two].n': 1}, 'nothing has 0 parts'),
        ({'gate.x[Two].n': 1}, r'gate\.x has 0 parts'),
        ({'gate.x': 1}, 'own.py: .*gate'),
        ({'custom_hooks.7.n': 1}, 'own.py: .*7'),
    ],
)
def test_refuses_what_the_config_has_not(config, overrides, message):
    with pytest.raises(ValueError, match=message):
        merged_config(config, overrides)


def test_each_value_survives_the_command_line():
    values = {
        'a': 1,
        'b': 0.5,
        'c': True,
        'd': None,
        'e': 'word',
        'f': (1,),
        'g': ['x', (1, 2)],
        'h': 'model.head',
    }
    assert cfg_options(values) == [
        *('a=1', 'b=0.5', 'c=True', 'd=None', 'e=word', 'f=(1,)'),
        *('g=[x,(1,2)]', 'h=model.head'),
    ]
    assert cfg_options({}) == []


@pytest.mark.parametrize('value', ['1', [dict(x=1)], 'a b', 'x,y'])
def test_refuses_what_the_command_line_would_change(value):
    with pytest.raises(ValueError, match='cannot be said on a command line'):
        cfg_options({'key': value})


def test_digest_knows_every_value_but_not_the_machine(config, monkeypatch):
    def digest(**overrides):
        cfg, _ = merged_config(config, overrides, use_environment=False)
        return config_digest(cfg.to_dict())

    first = digest()
    monkeypatch.setenv('ABLATE_DATA', 'elsewhere')
    assert digest() == first
    assert digest(gate='top1') != first
    assert digest(model=dict(head=dict(loss=dict(x=2)))) != first


def test_training_is_the_same_whatever_is_tested(config):
    def digest(**overrides):
        cfg, _ = merged_config(config, overrides, use_environment=False)
        return config_digest(training_part(cfg))

    first = digest()
    assert digest(gate='top1', test_cfg=dict(x=1)) == first
    assert digest(**{'custom_hooks[ReRankHook].n': 2}) == first
    assert digest(**{'custom_hooks[One].n': 2}) != first
    assert digest(own_name=3) != first
