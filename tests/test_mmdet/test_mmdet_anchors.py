"""Anchors of mmdet in the navigator, and that ours are the same."""

import copy

import pytest
import torch

from mmc2f.models.regions import AnchorGenerator, PriorAnchors
from mmc2f.registry import TASK_UTILS

pytestmark = pytest.mark.mmdet

STRIDES = (16, 32)


def theirs(strides=STRIDES, ratios=(1.0,), **kwargs):
    """mmdet's own object."""
    cfg = dict(strides=list(strides), ratios=list(ratios), **kwargs)
    return TASK_UTILS.build(dict(type='mmdet.AnchorGenerator', **cfg))


def centred(strides=STRIDES, ratios=(1.0,), **kwargs):
    """With the centres of the anchors in the middle of the cells."""
    middles = [(stride / 2, stride / 2) for stride in strides]
    return theirs(strides, ratios, centers=middles, **kwargs)


def feature_sizes(image_size, strides=STRIDES):
    return [tuple(-(-side // s) for side in image_size) for s in strides]


@pytest.mark.parametrize('image_size', [(64, 64), (128, 192), (448, 448)])
@pytest.mark.parametrize('ratios', [(1.0,), (0.5, 1.0, 2.0)])
def test_ours_equal_mmdets(image_size, ratios):
    ours = AnchorGenerator((24, 40), ratios, reference_size=None)
    generator = centred(ratios=ratios, base_sizes=[24, 40], scales=[1])
    sizes = feature_sizes(image_size)
    expected = torch.cat(generator.grid_priors(sizes, device='cpu'))
    torch.testing.assert_close(
        ours.grid(image_size, sizes).boxes, expected, rtol=0, atol=1e-4
    )
    wrapped = PriorAnchors(generator).grid(image_size, sizes)
    assert torch.equal(wrapped.boxes, expected)
    assert wrapped.image_size == image_size


def test_the_papers_anchors_are_six_strides():
    ours = AnchorGenerator().grid((448, 448), [(28, 28), (14, 14)])
    generator = theirs(scales=[6], center_offset=0.5)
    wrapped = PriorAnchors(generator).grid((448, 448), [(28, 28), (14, 14)])
    assert torch.equal(wrapped.boxes, ours.boxes)
    assert torch.equal(wrapped.scale_ids, ours.scale_ids)
    for one, other in zip(wrapped.members, ours.members, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize('scale_major', [True, False])
def test_scales_and_ratios_of_a_cell_keep_mmdets_order(scale_major):
    generator = centred(
        ratios=(0.5, 2.0),
        base_sizes=[12, 12],
        scales=[1, 2],
        scale_major=scale_major,
    )
    wrapped = PriorAnchors(generator)
    # In mmdet "scale major" has the ratios outside.
    ids = (0, 1, 0, 1) if scale_major else (0, 0, 1, 1)
    assert wrapped.scale_ids == (ids, ids)
    assert wrapped.num_base_anchors == generator.num_base_priors == [4, 4]
    assert (wrapped.num_levels, wrapped.num_scales) == (2, 2)
    anchors = wrapped.grid((64, 64), [(4, 4), (2, 2)])
    expected = torch.cat(generator.grid_priors([(4, 4), (2, 2)], device='cpu'))
    assert torch.equal(anchors.boxes, expected)
    assert anchors.scale_ids.tolist() == list(ids) * (16 + 4)
    area = (anchors.boxes[:, 2:] - anchors.boxes[:, :2]).prod(dim=1)
    torch.testing.assert_close(area, 144.0 * 4.0**anchors.scale_ids)
    if not scale_major:
        ours = AnchorGenerator(((12, 24), (12, 24)), (0.5, 2.0), None)
        same = ours.grid((64, 64), [(4, 4), (2, 2)])
        torch.testing.assert_close(anchors.boxes, same.boxes)
        assert torch.equal(anchors.scale_ids, same.scale_ids)


def test_other_generators_of_boxes_fit():
    cfg = dict(
        type='mmdet.YOLOAnchorGenerator',
        strides=[32, 16],
        base_sizes=[[(40, 20), (30, 30)], [(10, 40), (40, 20)]],
    )
    wrapped = PriorAnchors(TASK_UTILS.build(cfg))
    # 40 x 20 stands at both levels.
    assert wrapped.scale_ids == ((0, 1), (2, 0))
    anchors = wrapped.grid((64, 64), [(2, 2), (4, 4)])
    assert anchors.boxes[0].tolist() == [-4, 6, 36, 26]
    assert len(anchors) == 2 * 4 + 2 * 16


def test_wrapped_boxes_are_unwrapped():
    plain = PriorAnchors(theirs(scales=[1]))
    boxed = PriorAnchors(theirs(scales=[1], use_box_type=True))
    sizes = [(4, 4), (2, 2)]
    one, other = plain.grid((64, 64), sizes), boxed.grid((64, 64), sizes)
    assert torch.equal(one.boxes, other.boxes)


def test_a_set_is_made_once_and_not_copied():
    anchors = PriorAnchors(theirs(scales=[1]))
    first = anchors.grid((64, 64), [(4, 4), (2, 2)])
    assert anchors.grid((64, 64), [(4, 4), (2, 2)]) is first
    again = copy.deepcopy(anchors).grid((64, 64), [(4, 4), (2, 2)])
    assert again is not first and torch.equal(again.boxes, first.boxes)


def test_maps_of_odd_images_may_be_rounded_either_way():
    anchors = PriorAnchors(theirs(scales=[1]))
    for sizes in ([(5, 5), (3, 3)], [(4, 4), (2, 2)]):
        assert len(anchors.grid((70, 70), sizes)) == sum(
            h * w for h, w in sizes
        )


@pytest.mark.parametrize(
    ('sizes', 'message'),
    [
        (
            [(8, 8), (4, 4)],
            r'AnchorGenerator has the stride \(16, 16\) \(height, width\) for '
            r'a map of 8 x 8 cells on an image of 64 x 64: give it the strid',
        ),
        ([(4, 4), (2, 1)], r'stride \(32, 32\)'),
        ([(4, 4)], 'scales for 2 feature levels, got 1 feature maps'),
        ([(4, 4), (0, 2)], 'feature_sizes must be positive'),
    ],
)
def test_maps_that_do_not_go_with_the_strides_are_named(sizes, message):
    with pytest.raises(ValueError, match=message):
        PriorAnchors(theirs(scales=[1])).grid((64, 64), sizes)


def test_an_anchor_larger_than_the_image_is_named():
    message = r'anchor of AnchorGenerator is 80.0 x 80.0 pixels .* larger'
    with pytest.raises(ValueError, match=message):
        PriorAnchors(theirs(scales=[5])).grid((64, 64), [(4, 4), (2, 2)])


def test_points_are_refused():
    cfg = dict(type='mmdet.MlvlPointGenerator', strides=[16, 32])
    with pytest.raises(TypeError, match='of MlvlPointGenerator are points: u'):
        PriorAnchors(TASK_UTILS.build(cfg))


def test_repr_shows_mmdets():
    assert repr(PriorAnchors(theirs(scales=[1]))).startswith(
        'PriorAnchors(AnchorGenerator('
    )
