"""A graph recorded on one input is right on another."""

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from mmc2f.models.regions import (
    AnchorGenerator,
    RegionCropper,
    ScaleSeparatedNMS,
    iou_suppression,
    topk_nms,
)


class ThreeBest(torch.nn.Module):
    def forward(self, scores, suppression):
        return topk_nms(scores, suppression, 3)


class RegionPipeline(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.generator = AnchorGenerator((8, 16), reference_size=None)
        self.nms = ScaleSeparatedNMS()
        self.cropper = RegionCropper(4)

    def forward(self, scores, images):
        anchors = self.generator.grid((32, 32), [(4, 4), (2, 2)])
        return self.cropper(images, anchors.boxes[self.nms(scores, anchors)])


@pytest.fixture
def region_pipeline():
    recorded = torch.zeros(2, 20), torch.zeros(2, 3, 32, 32)
    generator = torch.manual_seed(0)
    used = [torch.randn(x.shape, generator=generator) for x in recorded]
    return RegionPipeline(), recorded, used


@pytest.fixture
def anchors():
    generator = AnchorGenerator((8, 16), reference_size=None)
    return generator.grid((32, 32), [(4, 4), (2, 2)])


@pytest.fixture
def problem():
    generator = torch.manual_seed(0)
    corners = torch.rand(30, 2, generator=generator) * 8
    suppress = iou_suppression(torch.cat([corners, corners + 3], 1), 0.25)
    recorded = torch.zeros(4, 30)
    used = torch.randn(4, 30, generator=generator)
    return recorded, used, suppress


def test_make_fx(problem):
    recorded, used, suppress = problem
    graph = make_fx(ThreeBest())(recorded, suppress)
    expected = topk_nms(used, suppress, 3)
    assert torch.equal(graph(used, suppress), expected)


def test_export_with_any_batch_size(problem):
    recorded, used, suppress = problem
    batch = torch.export.Dim('batch')
    program = torch.export.export(
        ThreeBest(),
        (recorded, suppress),
        dynamic_shapes={'scores': {0: batch}, 'suppression': None},
    )
    expected = topk_nms(used[:3], suppress, 3)
    assert torch.equal(program.module()(used[:3], suppress), expected)


@pytest.mark.parametrize('strict', [False, True])
def test_export_of_anchors_nms_and_crops(region_pipeline, strict):
    module, recorded, used = region_pipeline
    program = torch.export.export(module, recorded, strict=strict)
    assert torch.equal(program.module()(*used), module(*used))


def test_compiles_into_one_graph(region_pipeline):
    module, _, used = region_pipeline
    compiled = torch.compile(module, backend='eager', fullgraph=True)
    assert torch.equal(compiled(*used), module(*used))


def test_export_leaves_no_stand_ins_behind(anchors):
    class Chooser(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.nms = ScaleSeparatedNMS()

        def forward(self, scores):
            return self.nms(scores, anchors)

    generator = torch.manual_seed(0)
    scores = torch.randn(3, len(anchors), generator=generator)
    chooser = Chooser()
    program = torch.export.export(chooser, (scores,))
    expected = ScaleSeparatedNMS()(scores, anchors)
    assert torch.equal(chooser(scores), expected)
    assert torch.equal(program.module()(scores), expected)
