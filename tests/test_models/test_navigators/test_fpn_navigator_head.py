import pytest
import torch
from torch import nn

from mmc2f.models import FPNNavigatorHead
from mmc2f.registry import MODELS

SIZE = (64, 96)


def make(scales=(16, 32), ratios=(1.0,), channels=(4, 6), **kwargs):
    return FPNNavigatorHead(
        in_channels=channels,
        fpn_channels=8,
        anchors=dict(
            type='mmc2f.AnchorGenerator',
            scales=scales,
            ratios=ratios,
            reference_size=None,
        ),
        **kwargs,
    )


def make_maps(batch=2, requires_grad=False):
    return tuple(
        torch.randn(batch, channels, *size, requires_grad=requires_grad)
        for channels, size in [(3, (16, 24)), (4, (8, 12)), (6, (4, 6))]
    )


class CoordinatePyramid(nn.Module):
    """In the FPN's place: maps that say where each cell lies.

    Channels 0 and 1 are the centre (x, y) of the cell in pixels.
    """

    def forward(self, maps):
        return {name: self.coordinates(x) for name, x in maps.items()}

    def coordinates(self, x):
        height, width = x.shape[-2:]
        y = (torch.arange(height) + 0.5) * SIZE[0] / height
        x_ = (torch.arange(width) + 0.5) * SIZE[1] / width
        grid = torch.meshgrid(y, x_, indexing='ij')[::-1]
        result = torch.zeros(len(x), 8, height, width)
        result[:, :2] = torch.stack(grid)
        return result


@pytest.mark.parametrize('axis', [0, 1])
@pytest.mark.parametrize(
    ('scales', 'ratios'),
    [
        ((16, 32), (1.0,)),
        ((16, 32), (0.5, 1.0, 2.0)),
        (((12, 16), (24, 32)), (1.0,)),
        (((12, 16, 20), (24,)), (0.5, 2.0)),
    ],
)
def test_scores_stand_in_the_order_of_the_anchors(scales, ratios, axis):
    """Each score says its cell's centre and its number in the cell.

    The score of the k-th anchor of a cell is made 1000 * k + centre, by
    replacing what is learnt with known weights.
    """
    head = make(scales, ratios)
    head.fpn = CoordinatePyramid()
    head.conv = nn.Identity()
    for layer in head.score:
        nn.init.zeros_(layer.weight)
        layer.weight.data[:, axis] = 1
        layer.bias.data = 1000.0 * torch.arange(layer.out_channels)
    maps = make_maps()
    scores = head(maps)
    anchors = head.anchors(maps, SIZE)
    assert scores.shape == (2, len(anchors))
    centres = (anchors.boxes[:, axis] + anchors.boxes[:, axis + 2]) / 2
    torch.testing.assert_close(scores[0] % 1000, centres)

    sizes = anchors.boxes[:, 2:] - anchors.boxes[:, :2]
    number = (scores[0] / 1000).long()
    expected = expected_sizes(scales, ratios)
    cells = [8 * 12, 4 * 6]
    first = 0
    for level, count in enumerate(cells):
        for k, (width, height) in enumerate(expected[level]):
            rows = slice(first, first + count * len(expected[level]))
            of_kind = number[rows] == k
            assert of_kind.sum() == count
            assert (
                sizes[rows][of_kind].tolist()
                == [pytest.approx([width, height])] * count
            )
        first += count * len(expected[level])


def expected_sizes(scales, ratios):
    """(width, height) of the anchors in a cell, for each level."""
    levels = [x if isinstance(x, tuple) else (x,) for x in scales]
    return [
        [(s / r**0.5, s * r**0.5) for s in level for r in ratios]
        for level in levels
    ]


def test_equals_a_naive_pyramid():
    """Top-down pathway with lateral connections, written out."""
    head = make().eval()
    fine, coarse = maps = make_maps()[1:]
    lateral = [block[0] for block in head.fpn.inner_blocks]
    smooth = [block[0] for block in head.fpn.layer_blocks]
    top = lateral[1](coarse)
    merged = lateral[0](fine) + nn.functional.interpolate(top, scale_factor=2)
    expected = []
    for b in range(2):
        row = []
        for level, x in enumerate([merged, top]):
            hidden = head.conv(smooth[level](x)).relu()
            score = head.score[level](hidden)
            _, count, height, width = score.shape
            row += [
                score[b, k, y, x]
                for y in range(height)
                for x in range(width)
                for k in range(count)
            ]
        expected.append(torch.stack(row))
    torch.testing.assert_close(head(maps), torch.stack(expected))


def test_reads_the_maps_of_in_indices():
    maps = make_maps()
    last = make()
    named = make(in_indices=(1, 2))
    named.load_state_dict(last.state_dict())
    assert torch.equal(named(maps), last(maps))
    first = make(channels=(3, 4), in_indices=(0, 1))
    assert first(maps).shape == (2, 16 * 24 + 8 * 12)
    assert len(first.anchors(maps, SIZE)) == 16 * 24 + 8 * 12


def test_detaches_the_maps_but_not_itself():
    head = make()
    maps = make_maps(requires_grad=True)
    head(maps).sum().backward()
    assert all(x.grad is None for x in maps)
    assert all(p.grad is not None for p in head.parameters())


def test_without_detach_the_gradient_passes():
    head = make(detach=False)
    maps = make_maps(requires_grad=True)
    head(maps).sum().backward()
    assert maps[0].grad is None
    assert all(x.grad.abs().sum() > 0 for x in maps[1:])


def test_first_scores_are_apart_by_less_than_the_margin_of_ranking():
    scores = make()(make_maps())
    assert 0 < scores.max() - scores.min() < 1


@pytest.mark.parametrize(
    'wrong',
    [
        dict(scales=(16,)),
        dict(scales=(16, 24, 32)),
        dict(channels=(4,)),
        dict(in_indices=(-1,)),
    ],
)
def test_scales_channels_and_indices_must_agree(wrong):
    with pytest.raises(ValueError, match='one anchor scale per map'):
        make(**wrong)


def test_default_anchors_are_those_of_the_paper():
    head = MODELS.build(
        dict(type='mmc2f.FPNNavigatorHead', in_channels=(4, 6))
    )
    assert head.anchor_generator.distinct_scales == (96, 192)
    assert head.anchor_generator.ratios == (1.0,)


class Shrink(nn.Module):
    """A pyramid of another number of levels than maps."""

    def __init__(self, levels):
        super().__init__()
        self.levels = levels

    def forward(self, maps):
        (one,) = maps
        return tuple(nn.functional.avg_pool2d(one, 2**i) for i in self.levels)


def with_neck(levels):
    if 'TestShrink' not in MODELS.module_dict:
        MODELS.register_module('TestShrink', module=Shrink)
    return FPNNavigatorHead(
        in_channels=(8,),
        in_indices=(-1,),
        fpn_channels=8,
        anchors=dict(
            type='mmc2f.AnchorGenerator', scales=(16, 32), reference_size=None
        ),
        neck=dict(type='mmc2f.TestShrink', levels=levels),
    )


def test_a_neck_may_make_its_levels_of_one_map():
    head = with_neck((0, 1))
    maps = (torch.randn(2, 8, 8, 8),)
    scores, anchors = head.score_anchors(maps, (64, 64))
    assert scores.shape == (2, 8 * 8 + 4 * 4) == (2, len(anchors.boxes))
    assert torch.equal(scores, head(maps))
    assert torch.equal(anchors.boxes, head.anchors(maps, (64, 64)).boxes)
    fine = head.score[0](head.conv(maps[0]).relu()).flatten(1)
    torch.testing.assert_close(scores[:, :64], fine)


def test_a_neck_with_another_number_of_levels_is_named():
    head = with_neck((0, 1, 2))
    with pytest.raises(ValueError, match='Shrink makes 3 maps, but the anch'):
        head((torch.randn(2, 8, 8, 8),))


def test_a_neck_with_other_channels_is_named():
    head = with_neck((0, 1))
    head.in_indices = (0,)
    with pytest.raises(ValueError, match='Shrink makes maps of 5 channels, b'):
        head((torch.randn(2, 5, 8, 8),))


class Double(nn.Module):
    def forward(self, maps):
        return tuple(2 * one for one in maps)


def test_necks_are_applied_in_turn():
    if 'TestDouble' not in MODELS.module_dict:
        MODELS.register_module('TestDouble', module=Double)
    one = with_neck((0, 1))
    head = FPNNavigatorHead(
        in_channels=(8,),
        in_indices=(-1,),
        fpn_channels=8,
        anchors=dict(
            type='mmc2f.AnchorGenerator', scales=(16, 32), reference_size=None
        ),
        neck=[
            dict(type='mmc2f.TestDouble'),
            dict(type='mmc2f.TestShrink', levels=(0, 1)),
        ],
    )
    maps = (torch.randn(2, 8, 8, 8),)
    for level, other in zip(
        head.pyramid(maps), one.pyramid(maps), strict=True
    ):
        assert torch.equal(level, 2 * other)
