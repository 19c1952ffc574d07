"""A prior generator in mmdet's manner; with mmdet itself: tests/test_mmdet."""

import pytest
import torch

from mmc2f.models import FPNNavigatorHead
from mmc2f.models.regions import AnchorGenerator, PriorAnchors
from mmc2f.registry import TASK_UTILS


class Priors:
    """Square anchors in the middle of the cells, one per level."""

    def __init__(self, strides=(16, 32), sides=(24, 40)):
        self.strides = [(stride, stride) for stride in strides]
        self.base_anchors = [
            stride / 2 + torch.tensor([[-1.0, -1, 1, 1]]) * side / 2
            for stride, side in zip(strides, sides, strict=True)
        ]

    def grid_priors(self, featmap_sizes, dtype, device):
        levels = []
        for (h, w), stride, base in zip(
            featmap_sizes, self.strides, self.base_anchors, strict=True
        ):
            y, x = torch.meshgrid(
                torch.arange(h), torch.arange(w), indexing='ij'
            )
            shift = torch.stack([x, y, x, y], -1).reshape(-1, 1, 4)
            levels.append((shift * stride[0] + base).reshape(-1, 4).to(dtype))
        return levels


SIZES = [(4, 6), (2, 3)]


def test_equal_ours():
    ours = AnchorGenerator((24, 40), reference_size=None)
    wrapped = PriorAnchors(Priors())
    for name in ('num_levels', 'num_base_anchors', 'num_scales', 'scale_ids'):
        assert getattr(wrapped, name) == getattr(ours, name)
    one, other = (a.grid((64, 96), SIZES) for a in (ours, wrapped))
    assert torch.equal(one.boxes, other.boxes)
    assert torch.equal(one.scale_ids, other.scale_ids)
    assert wrapped.grid((64, 96), SIZES) is other


def test_areas_that_differ_by_rounding_are_one_scale():
    wrapped = PriorAnchors(Priors(sides=(100.05, 100.0501)))
    assert wrapped.scale_ids == ((0,), (0,))
    assert PriorAnchors(Priors(sides=(100, 101))).num_scales == 2


def test_the_navigator_wraps_them():
    if 'TestPriors' not in TASK_UTILS.module_dict:
        TASK_UTILS.register_module('TestPriors', module=Priors)
    head = FPNNavigatorHead(
        (4, 6), fpn_channels=8, anchors=dict(type='mmc2f.TestPriors')
    )
    maps = (torch.randn(2, 4, 4, 6), torch.randn(2, 6, 2, 3))
    scores, anchors = head.score_anchors(maps, (64, 96))
    assert isinstance(head.anchor_generator, PriorAnchors)
    assert scores.shape == (2, 4 * 6 + 2 * 3) == (2, len(anchors))


def test_strides_must_fit_the_maps():
    with pytest.raises(ValueError, match=r'Priors has the stride \(16, 16\)'):
        PriorAnchors(Priors()).grid((64, 96), [(8, 12), (2, 3)])


def test_anchors_must_fit_the_image():
    with pytest.raises(ValueError, match=r'anchor of Priors is 40\.0 x 40'):
        PriorAnchors(Priors()).grid((32, 32), [(2, 2), (1, 1)])


def test_points_are_refused():
    with pytest.raises(TypeError, match='priors of object are points'):
        PriorAnchors(object())
