import pytest
import torch
from torch import nn

from mmc2f.models import FusionNeck
from mmc2f.registry import MODELS


def naive_fusion(neck, maps):
    """Image by image, scale by scale and pixel by pixel.

    With batch normalisation on its running statistics.
    """
    _, _, _, height, width = maps.shape
    rows = []
    for image in maps:
        row = []
        for scale in range(neck.num_scales):
            first = scale * neck.regions_per_scale
            regions = [
                image[first + rank] for rank in range(neck.regions_per_scale)
            ]
            stacked = torch.cat(regions)
            layer = neck.convs[scale]
            weight = layer.conv.weight[:, :, 0, 0]
            norm = layer.norm
            total = torch.zeros(len(weight), dtype=maps.dtype)
            for y in range(height):
                for x in range(width):
                    value = weight @ stacked[:, y, x]
                    value = value - norm.running_mean
                    value = value / (norm.running_var + norm.eps).sqrt()
                    value = value * norm.weight + norm.bias
                    total += value.clamp(min=0)
            row.append(total / (height * width))
        rows.append(torch.cat(row))
    return torch.stack(rows)


@pytest.mark.parametrize(('scales', 'regions'), [(2, 2), (1, 4), (3, 1)])
def test_conv_equals_naive_loops(scales, regions):
    neck = FusionNeck(
        5, 7, num_scales=scales, regions_per_scale=regions
    ).double()
    for module in neck.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    maps = torch.randn(3, scales * regions, 5, 2, 4, dtype=torch.float64)
    fused = neck.eval()(maps)
    assert fused.shape == (3, neck.out_features) == (3, scales * 7)
    torch.testing.assert_close(fused, naive_fusion(neck, maps))


def test_pool_concat_equals_naive_loops():
    neck = FusionNeck(5, mode='pool_concat')
    maps = torch.randn(3, 4, 5, 2, 4)
    expected = [
        torch.cat([region.flatten(1).mean(dim=1) for region in image])
        for image in maps
    ]
    fused = neck(maps)
    assert fused.shape == (3, neck.out_features) == (3, 4 * 5)
    torch.testing.assert_close(fused, torch.stack(expected))
    assert not list(neck.parameters())


def test_pool_mean_equals_naive_loops():
    neck = FusionNeck(5, mode='pool_mean')
    maps = torch.randn(3, 4, 5, 2, 4)
    expected = [
        sum(region.flatten(1).mean(dim=1) for region in image) / len(image)
        for image in maps
    ]
    fused = neck(maps)
    assert fused.shape == (3, neck.out_features) == (3, 5)
    torch.testing.assert_close(fused, torch.stack(expected))
    assert not list(neck.parameters())


def test_each_scale_has_its_own_part_of_the_output():
    neck = FusionNeck(5, 7).eval()
    maps = torch.randn(1, 4, 5, 2, 2)
    changed = maps.clone()
    changed[:, 3] = 0
    before, after = neck(maps), neck(changed)
    assert torch.equal(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7:], after[:, 7:])


def test_norm_and_activation_can_be_left_out():
    neck = FusionNeck(5, 7, norm_cfg=None, act_cfg=None)
    maps = torch.randn(2, 4, 5, 1, 1)
    flat = maps.flatten(2)
    expected = [
        layer.conv(flat[:, 2 * i : 2 * i + 2].reshape(2, 10, 1, 1))[..., 0, 0]
        for i, layer in enumerate(neck.convs)
    ]
    torch.testing.assert_close(neck(maps), torch.cat(expected, dim=1))


@pytest.mark.parametrize('mode', ['conv', 'pool_concat'])
def test_wrong_number_of_regions_names_what_must_agree(mode):
    neck = FusionNeck(5, 7, mode=mode)
    with pytest.raises(ValueError, match=r'4, C.*nms\.topk'):
        neck(torch.randn(2, 6, 5, 1, 1))


def test_maps_without_a_region_axis():
    with pytest.raises(ValueError, match=r'\(B, 4, C, h, w\)'):
        FusionNeck(5, 7)(torch.randn(2, 4, 5, 1))


def test_unknown_mode():
    with pytest.raises(ValueError, match=r"'conv', 'pool_concat'.*'sum'"):
        MODELS.build(dict(type='mmc2f.FusionNeck', in_channels=5, mode='sum'))
