"""Our NMS against ``mmcv.ops.batched_nms``, and the class that calls it."""

import pytest
import torch

from mmc2f.models.regions import (
    AnchorGenerator,
    AnchorSet,
    BatchedNMS,
    ScaleSeparatedNMS,
)
from mmc2f.registry import MODELS

pytestmark = pytest.mark.mmdet

BATCH = 5


def grid(scales=(96, 192), ratios=(1.0,)):
    anchors = AnchorGenerator(scales, ratios)
    return anchors.grid((448, 448), [(28, 28), (14, 14)])


def random_set(seed, count=60, num_scales=3):
    """Boxes anywhere, also left of and above the image."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 100 - 50
    size = torch.rand(count, 2, generator=generator) * 80 + 1
    scale_ids = torch.arange(count) % num_scales
    return AnchorSet(
        torch.cat([corner, corner + size], 1), scale_ids, (64, 64)
    )


def both(scores, anchors, topk=2, **kwargs):
    ours = ScaleSeparatedNMS(topk=topk, **kwargs)(scores, anchors)
    theirs = BatchedNMS(topk=topk, **kwargs)(scores, anchors)
    return ours, theirs


@pytest.mark.parametrize('separate', [True, False])
@pytest.mark.parametrize('threshold', [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize('seed', range(3))
def test_equal_on_random_boxes(seed, threshold, separate):
    anchors = random_set(seed)
    scores = torch.randn(BATCH, len(anchors))
    ours, theirs = both(
        scores, anchors, topk=4, threshold=threshold, separate=separate
    )
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize('topk', [1, 2, 6])
@pytest.mark.parametrize('ratios', [(1.0,), (0.5, 1.0, 2.0)])
def test_equal_on_the_anchors_of_the_paper(topk, ratios):
    anchors = grid(ratios=ratios)
    ours, theirs = both(torch.randn(BATCH, len(anchors)), anchors, topk)
    assert torch.equal(ours, theirs)
    assert theirs.shape == (BATCH, 2 * topk)
    assert theirs.dtype == torch.int64


@pytest.mark.parametrize('seed', range(3))
def test_our_choice_is_what_batched_nms_keeps(seed):
    """Without the class: the scales as ids, the first of each."""
    from mmcv.ops import batched_nms

    anchors = random_set(seed)
    scores = torch.randn(BATCH, len(anchors))
    chosen = ScaleSeparatedNMS(threshold=0.3, topk=4)(scores, anchors)
    # From 0 on, see the next test.
    boxes = anchors.boxes - anchors.boxes.min()
    for image, row in zip(scores, chosen, strict=True):
        cfg = dict(type='nms', iou_threshold=0.3)
        dets, kept = batched_nms(boxes, image, anchors.scale_ids, cfg)
        assert torch.equal(dets[:, 4], image[kept])
        ids = anchors.scale_ids[kept]
        first = [kept[ids == scale][:4] for scale in range(3)]
        assert torch.equal(torch.cat(first), row)


def test_scales_stay_apart_left_of_the_image():
    """batched_nms alone moves the ids too little for negative corners."""
    from mmcv.ops import batched_nms

    boxes = torch.tensor([[30.0, 30, 50, 50], [-50, -50, -1, -1]])
    anchors = AnchorSet(boxes, torch.tensor([0, 1]), (64, 64))
    scores = torch.tensor([[2.0, 1.0]])
    cfg = dict(type='nms', iou_threshold=0.1)
    _, kept = batched_nms(boxes, scores[0], anchors.scale_ids, cfg)
    assert kept.tolist() == [0]
    _, theirs = both(scores, anchors, topk=1, threshold=0.1)
    assert theirs.tolist() == [[0, 1]]


def test_equal_scores_go_to_the_lowest_index():
    anchors = random_set(0)
    for scores in (
        torch.zeros(BATCH, len(anchors)),
        torch.randint(3, (BATCH, len(anchors))).float(),
    ):
        ours, theirs = both(scores, anchors, topk=5)
        assert torch.equal(ours, theirs)


def test_the_best_is_repeated_when_too_few_are_left():
    box = torch.tensor([0.0, 0, 10, 10])
    boxes = torch.stack([box, box + 1, box + 2, box + 30, box, box + 1])
    scale_ids = torch.tensor([0, 0, 0, 0, 1, 1])
    anchors = AnchorSet(boxes, scale_ids, (64, 64))
    scores = torch.tensor([[1.0, 3, 2, 0, 4, 5]])
    ours, theirs = both(scores, anchors, topk=3)
    assert theirs.tolist() == ours.tolist() == [[1, 3, 1, 5, 5, 5]]
    ours, theirs = both(scores, anchors, topk=3, separate=False)
    assert theirs.tolist() == ours.tolist() == [[5, 3, 5, 5, 5, 5]]


def test_what_is_no_number_is_never_chosen():
    anchors = random_set(0, count=12, num_scales=2)
    scores = torch.randn(4, 12)
    scores[0, ::2] = float('nan')
    scores[1, 1:8] = float('-inf')
    scores[2] = float('nan')
    scores[3, 5] = float('inf')
    for separate in (True, False):
        ours, theirs = both(scores, anchors, separate=separate)
        assert torch.equal(ours, theirs)


def test_many_boxes_are_split_by_batched_nms_itself():
    anchors = random_set(0, count=10_500, num_scales=2)
    scores = torch.randn(1, 10_500)
    theirs = BatchedNMS(topk=2)(scores, anchors)
    few = scores.topk(200).indices.sort().values[0]
    kept = AnchorSet(anchors.boxes[few], anchors.scale_ids[few], (64, 64))
    # Two survive among the best 200, so the rest has no say.
    assert torch.equal(few[ScaleSeparatedNMS()(scores[:, few], kept)], theirs)


def test_has_the_rest_of_the_interface():
    nms = MODELS.build(dict(type='mmc2f.BatchedNMS', threshold=0.3, topk=1))
    anchors = random_set(0)
    scores = torch.randn(2, len(anchors), requires_grad=True)
    index = nms(scores, anchors, 2)
    assert torch.equal(index, ScaleSeparatedNMS(0.3)(scores, anchors))
    assert nms.groups(anchors, index).tolist() == [0, 0, 1, 1, 2, 2]
    assert nms.leading_columns(6, 3) == [0, 2, 4]
    assert repr(nms) == 'BatchedNMS(threshold=0.3, topk=1, separate=True)'
    with pytest.raises(ValueError, match=r'scores must be \(B, 60\)'):
        nms(scores[:, 1:], anchors)
    assert nms(scores.half(), anchors).shape == (2, 3)
