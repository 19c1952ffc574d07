"""What configs leave out is what they used to say."""

import copy

import pytest
import tiny_backbones
import torch
from mmpretrain.registry import MODELS
from tiny_ccfr import TREE, model_config
from torch import nn

from mmc2f.models.derived_config import FeatureChannels, with_defaults

LEFT_OUT = ('num_classes', 'in_channels', 'tree')


def stripped(config):
    """A config of CCFR or MLPH that states its facts once."""
    config = copy.deepcopy(config)
    for name in ('neck', 'global_head', 'navigator', 'region_head', 'head'):
        for key in LEFT_OUT:
            config.get(name, {}).pop(key, None)
    for key in ('in_channels', 'num_scales', 'regions_per_scale'):
        config.get('fusion', {}).pop(key, None)
    pyramid = config.get('navigator', {}).get('neck')
    for key in ('in_channels', 'out_channels'):
        (pyramid or {}).pop(key, None)
    return dict(config, num_classes=4, tree=TREE)


def shapes(config):
    model = MODELS.build(config)
    return {name: value.shape for name, value in model.state_dict().items()}


@pytest.mark.parametrize('family', tiny_backbones.FAMILIES)
def test_ccfr_finds_what_its_config_leaves_out(family):
    config = tiny_backbones.ccfr_config(family)
    assert shapes(stripped(config)) == shapes(config)


@pytest.mark.parametrize('family', tiny_backbones.FAMILIES)
def test_mlph_finds_what_its_config_leaves_out(family):
    config = tiny_backbones.mlph_config(family)
    short = stripped(config)
    assert shapes(short) == shapes(config)
    # Products of two maps only want these two.
    short['neck'].update(interactions=((0, 1),))
    neck = MODELS.build(short).neck
    assert neck.in_channels == tiny_backbones.FAMILIES[family][1][-2:]
    short['neck'].update(in_indices=(0, 2))
    channels = tiny_backbones.FAMILIES[family][1]
    assert MODELS.build(short).neck.in_channels == channels[::2]


def test_pooling_of_several_maps_makes_the_global_feature_of_ccfr():
    config = stripped(tiny_backbones.ccfr_config('convnext'))
    config['neck'] = dict(type='mmc2f.TrilinearPoolingNeck', channels=5)
    model = MODELS.build(config)
    assert model.neck.in_channels == (8, 16, 24)
    assert model.global_head.in_channels == 4 * 5
    assert model.region_head.in_channels == 24
    assert model.head.in_channels == 4 * 5 + 2 * 16


def test_what_a_config_gives_is_kept():
    config = stripped(model_config())
    config['head'].update(type='mmpretrain.LinearClsHead', num_classes=7)
    config['region_head']['type'] = 'mmpretrain.LinearClsHead'
    config['fusion']['regions_per_scale'] = 3
    model = MODELS.build(config)
    assert model.head.num_classes == 7
    assert model.region_head.num_classes == 4
    assert model.fusion.regions_per_scale == 3


def test_a_plain_head_and_a_head_of_several_maps():
    config = tiny_backbones.mlph_config('convnext')
    config.update(
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead'),
        num_classes=6,
    )
    head = MODELS.build(dict(config, _scope_='mmpretrain')).head
    assert (head.num_classes, head.in_channels) == (6, 24)


def test_no_number_of_classes_is_an_error():
    config = stripped(model_config())
    del config['num_classes']
    with pytest.raises(TypeError, match='num_classes'):
        MODELS.build(config)


class Picky(nn.Module):
    """Reads images of one size only."""

    def forward(self, images):
        assert images.shape[-1] == 32, 'needs 32 pixels'
        return (images,)


def test_a_backbone_that_cannot_read_the_image_is_named():
    assert FeatureChannels(Picky(), 32).maps == (3,)
    with pytest.raises(ValueError, match='Picky cannot read an image of 64 x'):
        _ = FeatureChannels(Picky(), 64).maps


def test_a_dry_run_leaves_no_trace():
    backbone = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(), nn.ReLU())
    backbone[2].eval()
    before = copy.deepcopy(backbone.state_dict())
    state = torch.get_rng_state()
    assert FeatureChannels(backbone, 8)._outputs.shape == (1, 3, 8, 8)
    assert [part.training for part in backbone] == [True, True, False]
    assert all(before[k].equal(v) for k, v in backbone.state_dict().items())
    assert torch.get_rng_state().equal(state)


class Outer(nn.Linear):
    """Takes ``bias`` by way of its base."""

    def __init__(self, width: int, **kwargs) -> None:
        super().__init__(width, **kwargs)


def test_arguments_of_a_base_count_and_unknown_ones_do_not():
    cfg = dict(type=Outer, width=3)
    full = with_defaults(cfg, MODELS, out_features=2, tree='x', bias=None)
    assert full == dict(type=Outer, width=3, out_features=2)
    assert cfg == dict(type=Outer, width=3)
    module = nn.ReLU()
    assert with_defaults(module, MODELS, in_channels=2) is module
