"""Pyramids of mmdet in the navigator, and weights that fit both kinds."""

import pytest
import torch
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from mmc2f.models import FPNNavigatorHead

pytestmark = pytest.mark.mmdet

SIZE = (64, 96)
FPN = dict(type='mmdet.FPN', in_channels=[4, 6], out_channels=8, num_outs=2)
BFP = dict(
    type='mmdet.BFP',
    in_channels=8,
    num_levels=2,
    refine_level=1,
    refine_type='conv',
)


def make(neck=None, scales=(16, 32)):
    return FPNNavigatorHead(
        in_channels=(4, 6),
        fpn_channels=8,
        anchors=dict(
            type='mmc2f.AnchorGenerator', scales=scales, reference_size=None
        ),
        neck=neck,
    )


def maps(fine=(8, 12), coarse=(4, 6)):
    return torch.randn(2, 4, *fine), torch.randn(2, 6, *coarse)


def by_torch(module, state):
    module.load_state_dict(state, strict=True)


def by_mmengine(module, state):
    """As a runner loads, which only warns of what is missing."""
    load_state_dict(module, state, strict=True)


@pytest.mark.parametrize('load', [by_torch, by_mmengine])
@pytest.mark.parametrize('sizes', [((8, 12), (4, 6)), ((7, 11), (4, 6))])
def test_ours_equals_mmdets_and_weights_go_both_ways(load, sizes):
    ours, theirs, again = make(), make(FPN), make()
    inputs = maps(*sizes)
    assert not torch.equal(ours(inputs), theirs(inputs))
    load(theirs, ours.state_dict())
    torch.testing.assert_close(
        theirs(inputs), ours(inputs), rtol=1e-6, atol=1e-6
    )
    for level, other in zip(
        theirs.pyramid(inputs), ours.pyramid(inputs), strict=True
    ):
        torch.testing.assert_close(level, other, rtol=1e-6, atol=1e-6)
    load(again, theirs.state_dict())
    assert torch.equal(again(inputs), ours(inputs))


def test_weights_go_both_ways_inside_a_model():
    """Under a prefix, and with keys around it that are left alone."""
    ours, theirs = (
        nn.ModuleDict(dict(navigator=make(neck), neck=nn.Linear(2, 2)))
        for neck in (None, FPN)
    )
    theirs.load_state_dict(ours.state_dict())
    inputs = maps()
    torch.testing.assert_close(
        theirs['navigator'](inputs), ours['navigator'](inputs)
    )
    assert torch.equal(theirs['neck'].weight, ours['neck'].weight)
    ours.load_state_dict(theirs.state_dict())


def test_loading_leaves_the_readers_dict_as_it_was():
    state = make().state_dict()
    names = list(state)
    make(FPN).load_state_dict(state)
    assert list(state) == names


def test_pafpn_takes_the_fpn_that_it_has_and_says_what_it_lacks():
    ours = make()
    theirs = make(dict(FPN, type='mmdet.PAFPN'))
    missing, unexpected = theirs.load_state_dict(
        ours.state_dict(), strict=False
    )
    assert not unexpected
    assert {name.split('.')[1] for name in missing} == {
        'downsample_convs',
        'pafpn_convs',
    }
    lateral = theirs.neck.lateral_convs[0].conv.weight
    assert torch.equal(lateral, ours.fpn.inner_blocks[0][0].weight)


def test_necks_in_turn():
    both = make([FPN, BFP])
    inputs = maps()
    after_fpn = both.neck[0](inputs)
    expected = both.neck[1](after_fpn)
    for level, other in zip(both.pyramid(inputs), expected, strict=True):
        assert torch.equal(level, other)
    ours = make()
    missing, unexpected = both.load_state_dict(ours.state_dict(), strict=False)
    assert not unexpected
    assert all(name.startswith('neck.1.refine') for name in missing)
    for level, other in zip(
        both.neck[0](inputs), ours.pyramid(inputs), strict=True
    ):
        torch.testing.assert_close(level, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    'neck',
    [
        dict(FPN, type='mmdet.PAFPN'),
        [FPN, dict(BFP, refine_type='non_local')],
        [FPN, dict(BFP, refine_type=None)],
        [dict(FPN, norm_cfg=dict(type='BN'))],
        dict(type='mmdet.ChannelMapper', in_channels=[4, 6], out_channels=8),
    ],
    ids=str,
)
def test_other_necks_fit(neck):
    head = make(neck)
    head.init_weights()
    inputs = tuple(x.requires_grad_() for x in maps())
    scores, anchors = head.score_anchors(inputs, SIZE)
    assert scores.shape == (2, 8 * 12 + 4 * 6) == (2, len(anchors))
    scores.sum().backward()
    assert all(x.grad is None for x in inputs)
    assert all(p.grad is not None for p in head.neck.parameters())


def test_more_levels_than_maps():
    head = make(dict(FPN, num_outs=3), scales=(16, 32, 48))
    scores, anchors = head.score_anchors(maps(), SIZE)
    assert scores.shape == (2, 8 * 12 + 4 * 6 + 2 * 3) == (2, len(anchors))
    assert anchors.num_scales == 3


def test_mmdets_anchors_and_neck_together():
    head = FPNNavigatorHead(
        in_channels=(4, 6),
        fpn_channels=8,
        anchors=dict(
            type='mmdet.AnchorGenerator',
            strides=[8, 16],
            scales=[2],
            ratios=[0.5, 1.0],
            center_offset=0.5,
        ),
        neck=FPN,
    )
    scores, anchors = head.score_anchors(maps(), SIZE)
    assert scores.shape == (2, 2 * (8 * 12 + 4 * 6)) == (2, len(anchors))
    assert head.anchor_generator.num_scales == 2


def test_channels_that_differ_are_named():
    head = make(dict(FPN, out_channels=16))
    with pytest.raises(ValueError, match='FPN makes maps of 16 channels, but'):
        head(maps())
