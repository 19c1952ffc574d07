import copy
import pickle
from math import sqrt

import pytest
import torch

from mmc2f.models.regions import AnchorGenerator
from mmc2f.registry import TASK_UTILS


def naive_grid(scales, ratios, factor, image_size, feature_sizes):
    """Boxes one by one, in the documented order."""
    height, width = image_size
    boxes = []
    for level_scales, (h, w) in zip(scales, feature_sizes, strict=True):
        for y in range(h):
            for x in range(w):
                for scale in level_scales:
                    for ratio in ratios:
                        cy = (y + 0.5) * height / h
                        cx = (x + 0.5) * width / w
                        bh = scale * factor * sqrt(ratio)
                        bw = scale * factor / sqrt(ratio)
                        boxes.append(
                            [
                                cx - bw / 2,
                                cy - bh / 2,
                                cx + bw / 2,
                                cy + bh / 2,
                            ]
                        )
    return torch.tensor(boxes)


def test_default_is_the_papers_setting():
    anchors = AnchorGenerator().grid((448, 448), [(28, 28), (14, 14)])
    assert anchors.boxes.shape == (28 * 28 + 14 * 14, 4)
    sides = anchors.boxes[:, 2:] - anchors.boxes[:, :2]
    assert sides[: 28 * 28].unique().tolist() == [96]
    assert sides[28 * 28 :].unique().tolist() == [192]
    assert anchors.image_size == (448, 448)


@pytest.mark.parametrize('reference_size', [64, None])
def test_equals_naive_loops(reference_size):
    scales, ratios = ((8, 12), (16,)), (1.0, 0.5, 2.0)
    generator = AnchorGenerator(scales, ratios, reference_size)
    image_size, sizes = (96, 128), [(3, 4), (2, 2)]
    factor = 96 / 64 if reference_size else 1
    anchors = generator.grid(image_size, sizes)
    expected = naive_grid(scales, ratios, factor, image_size, sizes)
    torch.testing.assert_close(anchors.boxes, expected)
    assert anchors.boxes.dtype == torch.float32


def test_counts_and_scale_ids():
    generator = AnchorGenerator(((8, 12), 16), (1.0, 2.0), None)
    assert generator.num_base_anchors == [4, 2]
    assert generator.num_levels == 2
    assert generator.num_scales == 3
    anchors = generator.grid((64, 64), [(1, 2), (1, 1)])
    assert anchors.scale_ids.tolist() == [0, 0, 1, 1] * 2 + [2, 2]
    assert anchors.num_scales == 3
    assert [m.tolist() for m in anchors.members] == [
        [0, 1, 4, 5],
        [2, 3, 6, 7],
        [8, 9],
    ]


def test_a_scale_at_two_levels_is_one_scale():
    generator = AnchorGenerator((8, (8, 16)), (1.0,), None)
    assert generator.num_scales == 2
    anchors = generator.grid((64, 64), [(1, 2), (1, 1)])
    assert anchors.scale_ids.tolist() == [0, 0, 0, 1]


def test_same_arguments_give_the_same_object():
    generator = AnchorGenerator((8,), reference_size=None)
    first = generator.grid((32, 32), [(4, 4)])
    assert generator.grid([32, 32], [[4, 4]], torch.device('cpu')) is first
    assert generator.grid((32, 40), [(4, 4)]) is not first


def test_number_of_kept_sets_is_bounded():
    generator = AnchorGenerator((8,), reference_size=None)
    first = generator.grid((32, 32), [(4, 4)])
    for extra in range(1, 17):
        generator.grid((32, 32 + extra), [(4, 4)])
    assert generator.grid((32, 32), [(4, 4)]) is not first


@pytest.mark.parametrize(
    'clone', [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_give_equal_anchors(clone):
    generator = AnchorGenerator((8,), reference_size=None)
    anchors = generator.grid((32, 32), [(4, 4)])
    twin = clone(generator).grid((32, 32), [(4, 4)])
    assert twin is not anchors
    assert torch.equal(twin.boxes, anchors.boxes)


def test_anchors_made_in_inference_mode_serve_training():
    generator = AnchorGenerator((8,), reference_size=None)
    with torch.inference_mode():
        anchors = generator.grid((32, 32), [(4, 4)])
    weight = torch.ones(4, requires_grad=True)
    (anchors.boxes * weight).sum().backward()
    torch.testing.assert_close(weight.grad, anchors.boxes.sum(dim=0))


def test_an_anchor_as_large_as_the_image_fits():
    generator = AnchorGenerator((448,), (1.0,), 448)
    boxes = generator.grid((97, 97), [(1, 1)]).boxes
    torch.testing.assert_close(boxes, torch.tensor([[0.0, 0.0, 97.0, 97.0]]))


@pytest.mark.parametrize(
    'scales, ratios, reference, image_size',
    [
        ((33,), (1.0,), None, (32, 64)),
        ((33,), (1.0,), None, (64, 32)),
        ((30,), (2.0,), None, (32, 32)),
        ((500,), (1.0,), 448, (448, 448)),
    ],
)
def test_anchor_larger_than_the_image_is_an_error(
    scales, ratios, reference, image_size
):
    generator = AnchorGenerator(scales, ratios, reference)
    with pytest.raises(ValueError, match='larger than the image'):
        generator.grid(image_size, [(2, 2)])


@pytest.mark.parametrize(
    'arguments, message',
    [
        ({'scales': ()}, 'scales of AnchorGenerator must not be empty'),
        ({'scales': (8, ())}, r'scales\[1\] of AnchorGenerator must be pos'),
        ({'scales': (8, -1)}, r'scales\[1\]'),
        ({'scales': ((8, 8),)}, r'scales\[0\].*must not repeat'),
        ({'ratios': ()}, 'ratios'),
        ({'ratios': (0,)}, 'ratios'),
        ({'reference_size': 0}, 'reference_size'),
    ],
)
def test_rejects_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        AnchorGenerator(**arguments)


def test_rejects_wrong_sizes():
    generator = AnchorGenerator((8, 16), reference_size=None)
    with pytest.raises(ValueError, match='2 feature levels, got 1'):
        generator.grid((64, 64), [(4, 4)])
    with pytest.raises(ValueError, match=r'feature_sizes must be positive'):
        generator.grid((64, 64), [(4, 4), (0, 2)])
    with pytest.raises(ValueError, match=r'image_size must be positive'):
        generator.grid((0, 64), [(4, 4), (2, 2)])


def test_builds_from_a_config_and_shows_its_parameters():
    generator = TASK_UTILS.build(
        {'type': 'mmc2f.AnchorGenerator', 'scales': [24, [48, 96]]}
    )
    assert repr(generator) == (
        'AnchorGenerator(scales=((24,), (48, 96)), ratios=(1.0,), '
        'reference_size=448)'
    )
