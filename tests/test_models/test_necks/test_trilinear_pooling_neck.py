import math

import pytest
import torch
from torch.nn import functional as F

from mmc2f.models import TrilinearPoolingNeck
from mmc2f.registry import MODELS


def make_maps(*shapes, dtype=torch.double):
    generator = torch.Generator().manual_seed(0)
    return tuple(
        torch.randn(shape, dtype=dtype, generator=generator).relu()
        for shape in shapes
    )


def naive_neck(neck, maps):
    """Equation 6 with signed root and norm, a number at a time."""
    weights = [p.weight[:, :, 0, 0] for p in neck.projections]
    _, _, height, width = maps[0].shape
    rows = []
    for image in range(len(maps[0])):
        row = []
        for interaction in neck.interactions:
            block = []
            for k in range(len(weights[0])):
                mean = 0.0
                for y in range(height):
                    for x in range(width):
                        mean += math.prod(
                            (weights[i][k] @ maps[i][image, :, y, x]).item()
                            for i in interaction
                        )
                mean /= height * width
                block.append(math.copysign(math.sqrt(abs(mean)), mean))
            length = math.sqrt(sum(x * x for x in block))
            row += [x / length for x in block]
        rows.append(row)
    return torch.tensor(rows, dtype=maps[0].dtype)


@pytest.mark.parametrize(
    'interactions', [((0, 1), (0, 2), (1, 2), (0, 1, 2)), ((0, 0), (1, 2))]
)
def test_equals_naive_loops(interactions):
    neck = TrilinearPoolingNeck((3, 4, 5), 6, interactions).double()
    maps = make_maps((2, 3, 3, 2), (2, 4, 3, 2), (2, 5, 3, 2))
    (feature,) = neck(maps)
    assert feature.shape == (2, neck.out_features)
    assert neck.out_features == 6 * len(interactions)
    torch.testing.assert_close(feature, naive_neck(neck, maps))


def test_defaults_are_those_of_the_paper():
    with torch.device('meta'):
        neck = TrilinearPoolingNeck()
    assert neck.out_features == 4 * 8192
    assert {name: p.shape for name, p in neck.named_parameters()} == {
        f'projections.{i}.weight': (8192, 512, 1, 1) for i in range(3)
    }


def test_is_built_by_name_and_starts_at_the_scale_of_the_maps():
    neck = MODELS.build(
        dict(
            type='mmc2f.TrilinearPoolingNeck',
            in_channels=(64, 128, 256),
            channels=512,
        )
    )
    torch.manual_seed(0)
    neck.init_weights()
    for projection in neck.projections:
        (x,) = make_maps((2, projection.in_channels, 4, 4), dtype=torch.float)
        ratio = projection(x).square().mean() / x.square().mean()
        assert ratio.item() == pytest.approx(1, abs=0.1)


def test_last_maps_are_used():
    neck = TrilinearPoolingNeck((3, 4), 6, ((0, 1),)).double()
    maps = make_maps((2, 9, 8, 8), (2, 3, 2, 2), (2, 4, 2, 2))
    assert torch.equal(neck(maps)[0], neck(maps[1:])[0])


def test_maps_are_chosen_by_index():
    maps = make_maps((2, 3, 2, 2), (2, 9, 2, 2), (2, 4, 2, 2))
    neck = TrilinearPoolingNeck((4, 3), 6, ((0, 1),), in_indices=(2, -3))
    neck = neck.double()
    plain = TrilinearPoolingNeck((4, 3), 6, ((0, 1),)).double()
    plain.load_state_dict(neck.state_dict())
    assert torch.equal(neck(maps)[0], plain((maps[2], maps[0]))[0])


def test_one_map_with_two_projections():
    (x,) = make_maps((2, 3, 2, 2))
    neck = TrilinearPoolingNeck((3, 3), 6, ((0, 1),), in_indices=(-1, -1))
    neck = neck.double()
    (feature,) = neck((x,))
    torch.testing.assert_close(feature, naive_neck(neck, (x, x)))
    assert torch.equal(neck(x)[0], feature)


def test_maps_are_averaged_to_the_size_of_the_last():
    maps = make_maps((2, 3, 4, 6), (2, 3, 3, 5), (2, 3, 2, 3))
    neck = TrilinearPoolingNeck((3, 3, 3), 6).double()
    small = [F.adaptive_avg_pool2d(x, (2, 3)) for x in maps]
    torch.testing.assert_close(neck(maps)[0], naive_neck(neck, small))


def test_scale_of_a_projection_does_not_matter():
    maps = make_maps(*[(2, 3, 2, 2)] * 3)
    neck = TrilinearPoolingNeck((3, 3, 3), 6).double()
    (before,) = neck(maps)
    with torch.no_grad():
        neck.projections[1].weight.mul_(100)
    torch.testing.assert_close(neck(maps)[0], before)


def test_an_image_without_activations_is_harmless():
    maps = [torch.zeros(2, 3, 2, 2, requires_grad=True) for _ in range(3)]
    neck = TrilinearPoolingNeck((3, 3, 3), 6)
    (feature,) = neck(tuple(maps))
    feature.sum().backward()
    assert torch.equal(feature, torch.zeros(2, 24))
    for tensor in (*maps, *neck.parameters()):
        assert tensor.grad.isfinite().all()


def test_modes_train_alike():
    maps = make_maps(*[(2, 3, 4, 4)] * 3)
    results = []
    for kwargs in ({}, {'chunk': 4}, {'chunk': 4, 'recompute': True}):
        torch.manual_seed(0)
        neck = TrilinearPoolingNeck((3, 3, 3), 6, **kwargs).double()
        neck(maps)[0].square().sum(dim=0).prod().backward()
        results.append([p.grad for p in neck.parameters()])
    torch.testing.assert_close(results[1], results[0])
    torch.testing.assert_close(results[2], results[0])


def test_bfloat16_autocast():
    maps = make_maps(*[(2, 32, 4, 4)] * 3, dtype=torch.float)
    neck = TrilinearPoolingNeck((32,) * 3, 64)
    with torch.autocast('cpu', torch.bfloat16):
        (feature,) = neck(maps)
    assert feature.dtype == torch.bfloat16
    # The root doubles small relative errors near zero: compare as a whole.
    similarity = F.cosine_similarity(feature.float(), neck(maps)[0])
    assert (similarity > 0.995).all()


@pytest.mark.parametrize('strict', [False, True])
def test_export_with_any_batch_size(strict):
    neck = TrilinearPoolingNeck((3, 3, 3), 6).double()
    batch = torch.export.Dim('batch')
    program = torch.export.export(
        neck,
        (make_maps(*[(2, 3, 2, 2)] * 3),),
        dynamic_shapes={'inputs': ({0: batch},) * 3},
        strict=strict,
    )
    maps = make_maps(*[(5, 3, 2, 2)] * 3)
    torch.testing.assert_close(program.module()(maps), neck(maps))


def test_compiled_training_step():
    if not torch._dynamo.is_dynamo_supported():
        pytest.skip('torch.compile does not run here')
    maps = make_maps(*[(2, 3, 2, 2)] * 3)
    neck = TrilinearPoolingNeck((3, 3, 3), 6).double()
    gradients = []
    for module in (neck, torch.compile(neck, backend='aot_eager')):
        neck.zero_grad()
        module(maps)[0].pow(3).sum().backward()
        gradients.append([p.grad.clone() for p in neck.parameters()])
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(interactions=()), 'interactions is empty'),
        (dict(interactions=((0, 3),)), 'from 0 to 2'),
        (dict(interactions=((0, 1),)), 'map 2 is in no interaction'),
        (dict(in_indices=(0, 1)), 'must have one entry per map each'),
        (dict(channels=0), 'channels must be at least 1'),
    ],
)
def test_refuses_a_bad_configuration(kwargs, message):
    with pytest.raises(ValueError, match=message):
        TrilinearPoolingNeck((3, 3, 3), **{'channels': 6, **kwargs})


def test_refuses_other_maps():
    neck = TrilinearPoolingNeck((3, 4), 6, ((0, 1),))
    with pytest.raises(ValueError, match='map -2 was asked for'):
        neck(make_maps((2, 4, 2, 2)))
    with pytest.raises(ValueError, match=r'\(4, 3\) channels, .* \(3, 4\)'):
        neck(make_maps((2, 4, 2, 2), (2, 3, 2, 2)))
