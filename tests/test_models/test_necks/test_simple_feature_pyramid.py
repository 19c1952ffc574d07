import math

import pytest
import torch
from mmcv.cnn import ConvModule
from torch import nn

from mmc2f.models import FPNNavigatorHead, SimpleFeaturePyramid
from mmc2f.registry import MODELS

CHANNELS, OUT = 8, 6


@pytest.fixture
def maps():
    return (torch.randn(2, 3, 9, 9), torch.randn(2, CHANNELS, 5, 8))


def make(scales=(2.0, 1.0, 0.5), **kwargs):
    pyramid = SimpleFeaturePyramid(CHANNELS, OUT, scales, **kwargs)
    for parameter in pyramid.parameters():
        nn.init.normal_(parameter, std=0.5)
    return pyramid


def layer_norm(x, norm):
    """Normalise the channels of each position by themselves."""
    result = torch.empty_like(x)
    for image in range(x.shape[0]):
        for row in range(x.shape[2]):
            for column in range(x.shape[3]):
                values = x[image, :, row, column]
                centred = values - values.mean()
                spread = (centred.square().mean() + norm.eps).sqrt()
                result[image, :, row, column] = (
                    centred / spread * norm.weight + norm.bias
                )
    return result


def convolve(x, layer):
    """A 1x1 or 3x3 convolution with zeros around, and its norm."""
    weight = layer.conv.weight
    margin = weight.shape[-1] // 2
    padded = torch.zeros(
        *x.shape[:2], x.shape[2] + 2 * margin, x.shape[3] + 2 * margin
    )
    height, width = x.shape[2:]
    padded[:, :, margin : margin + height, margin : margin + width] = x
    result = torch.zeros(x.shape[0], weight.shape[0], height, width)
    for row in range(weight.shape[2]):
        for column in range(weight.shape[3]):
            window = padded[:, :, row : row + height, column : column + width]
            result += torch.einsum(
                'oc,bchw->bohw', weight[:, :, row, column], window
            )
    assert layer.conv.bias is None
    return layer_norm(result, layer.norm)


def deconvolve(x, layer):
    """Each position becomes a square of two by two of its own."""
    result = torch.zeros(
        x.shape[0], layer.out_channels, 2 * x.shape[2], 2 * x.shape[3]
    )
    for row in range(2):
        for column in range(2):
            result[:, :, row::2, column::2] = (
                torch.einsum(
                    'co,bchw->bohw', layer.weight[:, :, row, column], x
                )
                + layer.bias[:, None, None]
            )
    return result


def pool(x, factor):
    """Largest of each of evenly spread windows that cover the map."""
    height, width = x.shape[2:]
    rows, columns = math.ceil(height / factor), math.ceil(width / factor)
    result = torch.empty(*x.shape[:2], rows, columns)
    for i in range(rows):
        top, bottom = i * height // rows, math.ceil((i + 1) * height / rows)
        for j in range(columns):
            left = j * width // columns
            right = math.ceil((j + 1) * width / columns)
            window = x[:, :, top:bottom, left:right]
            result[:, :, i, j] = window.amax(dim=(2, 3))
    return result


def gelu(x):
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


@torch.no_grad()
def test_levels_are_those_of_the_paper(maps):
    pyramid = make((4.0, 2.0, 1.0, 0.5, 0.25))
    last = maps[-1]
    four, two, one, half, quarter = pyramid.branches
    first, norm, _, second = four[:4]
    bases = [
        deconvolve(gelu(layer_norm(deconvolve(last, first), norm)), second),
        deconvolve(last, two[0]),
        last,
        pool(last, 2),
        pool(last, 4),
    ]
    found = pyramid(maps)
    assert len(found) == len(bases)
    for level, base, branch in zip(
        found, bases, pyramid.branches, strict=True
    ):
        expected = convolve(convolve(base, branch[-2]), branch[-1])
        torch.testing.assert_close(level, expected, atol=1e-4, rtol=1e-4)
    # The pool has no weights.
    for branch in (one, half, quarter):
        assert [type(layer) for layer in branch] == [ConvModule, ConvModule]


@pytest.mark.parametrize('size', [(16, 16), (7, 9), (1, 2), (32, 5)])
def test_sizes_of_the_levels(size):
    levels = make()((torch.randn(1, CHANNELS, *size),))
    height, width = size
    assert [tuple(x.shape) for x in levels] == [
        (1, OUT, 2 * height, 2 * width),
        (1, OUT, height, width),
        (1, OUT, (height + 1) // 2, (width + 1) // 2),
    ]


def test_an_even_map_is_pooled_in_squares_of_two():
    x = torch.randn(1, CHANNELS, 4, 6)
    pyramid = make((0.5,))
    squares = x.unfold(2, 2, 2).unfold(3, 2, 2).amax(dim=(-2, -1))
    assert torch.equal(pyramid((x,))[0], pyramid.branches[0](squares))


def test_only_the_last_map_counts(maps):
    pyramid = make()
    alone = pyramid(maps[-1:])
    for one, other in zip(pyramid(maps), alone, strict=True):
        assert torch.equal(one, other)


def test_gradients_reach_the_map_and_all_weights(maps):
    last = maps[-1].requires_grad_()
    pyramid = make((4.0, 1.0, 0.5))
    sum(level.square().sum() for level in pyramid([last])).backward()
    assert last.grad.any()
    assert all(p.grad.any() for p in pyramid.parameters())


def test_without_a_norm_the_convolutions_have_biases():
    pyramid = make((4.0, 1.0), norm_cfg=None)
    convolutions = [
        layer for layer in pyramid.modules() if isinstance(layer, ConvModule)
    ]
    assert len(convolutions) == 4
    assert all(layer.conv.bias is not None for layer in convolutions)
    assert not [m for m in pyramid.modules() if isinstance(m, nn.LayerNorm)]


def test_as_the_neck_of_the_navigator_by_config():
    navigator = MODELS.build(
        dict(
            type='mmc2f.FPNNavigatorHead',
            neck=dict(
                type='mmc2f.SimpleFeaturePyramid',
                in_channels=CHANNELS,
                out_channels=OUT,
                scales=(1.0, 0.5),
            ),
            in_channels=(CHANNELS,),
            in_indices=(-1,),
            fpn_channels=OUT,
            anchors=dict(
                type='mmc2f.AnchorGenerator',
                scales=(16, 32),
                reference_size=None,
            ),
        )
    )
    assert isinstance(navigator, FPNNavigatorHead)
    feats = (torch.randn(2, CHANNELS, 7, 5),)
    scores, anchors = navigator.score_anchors(feats, (70, 50))
    assert scores.shape == (2, 7 * 5 + 4 * 3)
    assert anchors.boxes.shape == (7 * 5 + 4 * 3, 4)


@pytest.mark.parametrize('scales', [(1.0, 3.0), (0.3,), (0,), (-2.0,)])
def test_scales_that_are_no_powers_of_two(scales):
    with pytest.raises(ValueError, match='powers of two'):
        SimpleFeaturePyramid(CHANNELS, OUT, scales)


@pytest.mark.parametrize('scales', [(0.5, 1.0), (1.0, 1.0), ()])
def test_scales_are_finest_first(scales):
    with pytest.raises(ValueError, match='finest'):
        SimpleFeaturePyramid(CHANNELS, OUT, scales)


def test_channels_that_cannot_be_halved():
    with pytest.raises(ValueError, match=r'6 channels.*halved.*4'):
        SimpleFeaturePyramid(6, OUT, (4.0, 1.0))


@pytest.mark.parametrize('shape', [(2, CHANNELS + 1, 4, 4), (2, CHANNELS)])
def test_other_maps_than_it_was_built_for(shape):
    with pytest.raises(ValueError, match=r'\(B, 8, H, W\).*featmap'):
        make()((torch.randn(shape),))
