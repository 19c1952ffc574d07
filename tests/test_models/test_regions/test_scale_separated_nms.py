import copy
import gc
import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmc2f.models.regions import (
    AnchorGenerator,
    AnchorSet,
    ScaleSeparatedNMS,
    iou_suppression,
    topk_nms,
)
from mmc2f.registry import MODELS

INF = math.inf


def naive_iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    inter = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return inter / (sum(areas) - inter)


def greedy_nms(scores, suppression, k):
    """Plain greedy NMS of one image: sort, then keep what no better kept
    box suppresses."""
    order = sorted(
        (
            i
            for i, score in enumerate(scores)
            if score > -INF  # also drops NaN
        ),
        key=lambda i: (-scores[i], i),
    )
    kept = []
    for candidate in order:
        if not any(suppression[better][candidate] for better in kept):
            kept.append(candidate)
    kept = kept or [0]
    return (kept + [kept[0]] * k)[:k]


def random_boxes(count, generator):
    corners = torch.rand(count, 2, generator=generator) * 8
    sides = torch.rand(count, 2, generator=generator) * 5 + 0.5
    return torch.cat([corners, corners + sides], dim=1)


class TestIouSuppression:
    @pytest.mark.parametrize('threshold', [0.0, 0.25, 0.7])
    def test_equals_naive_loops(self, threshold):
        boxes = random_boxes(12, torch.manual_seed(0))
        suppress = iou_suppression(boxes, threshold)
        assert suppress.dtype == torch.bool
        for i, a in enumerate(boxes.tolist()):
            for j, b in enumerate(boxes.tolist()):
                assert suppress[i, j] == (naive_iou(a, b) > threshold)

    def test_an_iou_of_the_threshold_is_no_rival(self):
        boxes = torch.tensor([[0.0, 0, 2, 1], [1, 0, 2, 1]])
        assert not iou_suppression(boxes, 0.5)[0, 1]
        assert iou_suppression(boxes, 0.49)[0, 1]

    def test_a_box_removes_itself_for_every_threshold(self):
        boxes = torch.tensor([[0.0, 0, 2, 1], [0, 0, 2, 1]])
        assert torch.equal(
            iou_suppression(boxes, 1.0), torch.eye(2, dtype=torch.bool)
        )

    def test_half_precision_boxes_are_compared_in_float32(self):
        boxes = torch.tensor([[0.0, 0, 300, 300], [0, 0, 300, 290]])
        # 300 * 300 is beyond the range of float16.
        assert iou_suppression(boxes.half(), 0.9).all()

    @pytest.mark.parametrize(
        'boxes', [[[0, 0, 1, 1], [2, 2, 2, 3]], [[3, 0, 1, 1], [0, 0, 1, 1]]]
    )
    def test_a_box_without_area_is_an_error(self, boxes):
        with pytest.raises(ValueError, match=r'box [01] has no area'):
            iou_suppression(torch.tensor(boxes).float(), 0.5)

    def test_a_nan_box_is_an_error(self):
        boxes = torch.tensor([[0, 0, 1, 1], [0, 0, math.nan, 1]])
        with pytest.raises(ValueError, match='box 1 has no area'):
            iou_suppression(boxes, 0.5)

    @pytest.mark.parametrize('threshold', [-0.1, 1.1, math.nan])
    def test_rejects_wrong_threshold(self, threshold):
        with pytest.raises(ValueError, match='IoU threshold must be from 0'):
            iou_suppression(torch.tensor([[0.0, 0, 1, 1]]), threshold)

    def test_rejects_wrong_shape(self):
        with pytest.raises(ValueError, match=r'boxes must be \(A, 4\)'):
            iou_suppression(torch.zeros(2, 5), 0.5)


# Few distinct values, so that ties, infinities and NaN all occur.
SCORES = st.one_of(
    st.sampled_from([0.0, -1.0, 1.0, INF, -INF, math.nan]),
    st.floats(-8, 8, width=16),
)


class TestTopkNms:
    @given(data=st.data())
    @settings(max_examples=150, deadline=None, derandomize=True)
    def test_equals_greedy_nms(self, data):
        count = data.draw(st.integers(1, 12))
        k = data.draw(st.integers(1, 14))
        row = st.lists(SCORES, min_size=count, max_size=count)
        rows = data.draw(st.lists(row, min_size=1, max_size=3))
        seed = data.draw(st.integers(0, 99))
        threshold = data.draw(st.sampled_from([0.0, 0.25, 0.6, 1.0]))
        boxes = random_boxes(count, torch.manual_seed(seed))
        suppress = iou_suppression(boxes, threshold)
        chosen = topk_nms(torch.tensor(rows), suppress, k)
        assert chosen.dtype == torch.int64
        assert chosen.tolist() == [
            greedy_nms(row, suppress.tolist(), k) for row in rows
        ]

    @given(data=st.data())
    def test_each_scale_has_a_greedy_nms_of_its_own(self, data):
        sizes = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
        count, topk = sum(sizes), data.draw(st.integers(1, 4))
        generator = torch.manual_seed(data.draw(st.integers(0, 99)))
        scales = data.draw(
            st.permutations([s for s, n in enumerate(sizes) for _ in range(n)])
        )
        anchors = AnchorSet(
            random_boxes(count, generator), torch.tensor(scales), (16, 16)
        )
        row = data.draw(st.lists(SCORES, min_size=count, max_size=count))
        nms = ScaleSeparatedNMS(threshold=0.25, topk=topk)
        chosen = nms(torch.tensor([row]), anchors)[0].tolist()
        expected = []
        for scale in range(len(sizes)):
            own = [i for i in range(count) if scales[i] == scale]
            suppress = iou_suppression(anchors.boxes[own], 0.25).tolist()
            places = greedy_nms([row[i] for i in own], suppress, topk)
            expected += [own[place] for place in places]
        assert chosen == expected

    @pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
    def test_half_precision_equals_greedy_nms(self, dtype):
        generator = torch.manual_seed(0)
        suppress = iou_suppression(random_boxes(200, generator), 0.25)
        # bfloat16 has few values: many ties.
        scores = torch.randn(4, 200, generator=generator).to(dtype)
        assert topk_nms(scores, suppress, 5).tolist() == [
            greedy_nms(row, suppress.tolist(), 5) for row in scores.tolist()
        ]

    def test_equal_scores_take_the_lowest_index(self):
        suppress = torch.eye(600, dtype=torch.bool)
        assert topk_nms(torch.zeros(2, 600), suppress, 3).tolist() == [
            [0, 1, 2],
            [0, 1, 2],
        ]

    def test_best_is_repeated_when_all_are_suppressed(self):
        suppress = torch.ones(3, 3, dtype=torch.bool)
        scores = torch.tensor([[0.1, 0.9, 0.5]])
        assert topk_nms(scores, suppress, 3).tolist() == [[1, 1, 1]]

    def test_more_boxes_asked_than_there_are(self):
        suppress = torch.eye(2, dtype=torch.bool)
        scores = torch.tensor([[-5.0, -4.0]])
        assert topk_nms(scores, suppress, 4).tolist() == [[1, 0, 1, 1]]

    def test_a_box_is_chosen_once_even_if_it_does_not_suppress_itself(self):
        suppress = torch.zeros(2, 2, dtype=torch.bool)
        scores = torch.tensor([[1.0, 2.0]])
        assert topk_nms(scores, suppress, 2).tolist() == [[1, 0]]

    def test_infinite_and_nan_scores_are_never_chosen(self):
        suppress = torch.eye(4, dtype=torch.bool)
        scores = torch.tensor(
            [[-INF, math.nan, -3.0, -INF], [math.nan, -INF, -INF, math.nan]]
        )
        assert topk_nms(scores, suppress, 2).tolist() == [[2, 2], [0, 0]]

    def test_a_larger_k_begins_with_the_same_boxes(self):
        generator = torch.manual_seed(0)
        suppress = iou_suppression(random_boxes(50, generator), 0.25)
        scores = torch.randn(4, 50, generator=generator)
        six = topk_nms(scores, suppress, 6)
        assert torch.equal(six[:, :2], topk_nms(scores, suppress, 2))

    def test_leaves_the_scores_alone(self):
        scores = torch.tensor([[1.0, math.nan]], requires_grad=True)
        with torch.no_grad():
            topk_nms(scores, torch.eye(2, dtype=torch.bool), 2)
        chosen = topk_nms(scores, torch.eye(2, dtype=torch.bool), 2)
        assert not chosen.requires_grad
        assert scores[0, 0] == 1 and scores[0, 1].isnan()

    def test_an_empty_batch(self):
        suppress = torch.eye(3, dtype=torch.bool)
        assert topk_nms(torch.zeros(0, 3), suppress, 2).shape == (0, 2)

    @pytest.mark.parametrize(
        'scores, suppress, k, message',
        [
            (torch.zeros(1, 2), torch.eye(2).bool(), 0, 'k must be at least'),
            (torch.zeros(2), torch.eye(2).bool(), 1, r'\(B, A\) with A > 0'),
            (torch.zeros(1, 0), torch.eye(0).bool(), 1, 'with A > 0'),
            (torch.zeros(1, 2).long(), torch.eye(2).bool(), 1, 'floating'),
            (torch.zeros(1, 2), torch.eye(3).bool(), 1, r'bool \(2, 2\)'),
            (torch.zeros(1, 2), torch.eye(2), 1, r'bool \(2, 2\)'),
        ],
    )
    def test_rejects_wrong_input(self, scores, suppress, k, message):
        with pytest.raises(ValueError, match=message):
            topk_nms(scores, suppress, k)


@pytest.fixture
def anchors():
    generator = AnchorGenerator((8, 16), reference_size=None)
    return generator.grid((32, 32), [(4, 4), (2, 2)])


def random_scores(anchors, seed=0):
    generator = torch.manual_seed(seed)
    return torch.randn(3, len(anchors), generator=generator)


class TestScaleSeparatedNMS:
    @pytest.mark.parametrize('topk', [1, 2, 3])
    def test_equals_greedy_nms_on_each_scale(self, anchors, topk):
        scores = random_scores(anchors)
        chosen = ScaleSeparatedNMS(0.1, topk)(scores, anchors)
        for image, row in enumerate(scores.tolist()):
            expected = []
            for first, last in [(0, 16), (16, 20)]:
                suppress = iou_suppression(anchors.boxes[first:last], 0.1)
                best = greedy_nms(row[first:last], suppress.tolist(), topk)
                expected += [first + i for i in best]
            assert chosen[image].tolist() == expected

    def test_scales_that_are_interleaved(self):
        generator = AnchorGenerator(((8, 16),), reference_size=None)
        anchors = generator.grid((32, 32), [(3, 3)])
        chosen = ScaleSeparatedNMS(topk=2)(random_scores(anchors), anchors)
        assert anchors.scale_ids[chosen].tolist() == [[0, 0, 1, 1]] * 3

    def test_large_boxes_do_not_suppress_small_ones(self, anchors):
        scores = torch.zeros(1, len(anchors))
        scores[0, 16:] = 9.0
        separate = ScaleSeparatedNMS(0.2, 1)(scores, anchors)
        together = ScaleSeparatedNMS(0.2, 1, separate=False)(scores, anchors)
        assert anchors.scale_ids[separate].tolist() == [[0, 1]]
        assert anchors.scale_ids[together].tolist() == [[1, 1]]

    def test_conventional_nms_is_greedy_over_all_scales(self, anchors):
        scores = random_scores(anchors)
        chosen = ScaleSeparatedNMS(0.2, 2, separate=False)(scores, anchors)
        suppress = iou_suppression(anchors.boxes, 0.2).tolist()
        assert chosen.tolist() == [
            greedy_nms(row, suppress, 4) for row in scores.tolist()
        ]

    def test_topk_of_the_call_goes_before_the_modules(self, anchors):
        nms, scores = ScaleSeparatedNMS(topk=2), random_scores(anchors)
        chosen = nms(scores, anchors, topk=3)
        expected = ScaleSeparatedNMS(topk=3)(scores, anchors)
        assert torch.equal(chosen, expected)

    def test_a_scale_without_a_finite_score_stays_in_its_scale(self, anchors):
        scores = torch.full((1, len(anchors)), -INF)
        chosen = ScaleSeparatedNMS(topk=2)(scores, anchors)
        assert chosen.tolist() == [[0, 0, 16, 16]]

    def test_matrices_are_made_once_a_set(self, anchors, monkeypatch):
        calls = []

        def count(boxes, threshold):
            calls.append(len(boxes))
            return iou_suppression(boxes, threshold)

        monkeypatch.setattr(
            'mmc2f.models.regions.scale_separated_nms.iou_suppression', count
        )
        nms, scores = ScaleSeparatedNMS(), random_scores(anchors)
        nms(scores, anchors)
        nms(scores, anchors, topk=1)
        assert calls == [16, 4]
        nms.threshold = 0.5
        nms(scores, anchors)
        assert calls == [16, 4, 16, 4]

    def test_matrices_die_with_their_set(self):
        nms = ScaleSeparatedNMS()
        generator = AnchorGenerator((8,), reference_size=None)
        anchors = generator.grid((32, 32), [(4, 4)])
        nms(random_scores(anchors), anchors)
        assert len(nms._suppressions) == 1
        del anchors, generator
        gc.collect()
        assert len(nms._suppressions) == 0

    def test_state_dict_is_empty(self, anchors):
        nms = ScaleSeparatedNMS()
        nms(random_scores(anchors), anchors)
        assert nms.state_dict() == {}

    @pytest.mark.parametrize(
        'clone', [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
    )
    def test_copies_work_after_use(self, anchors, clone):
        nms, scores = ScaleSeparatedNMS(), random_scores(anchors)
        chosen = nms(scores, anchors)
        assert torch.equal(clone(nms)(scores, anchors), chosen)
        assert torch.equal(nms(scores, anchors), chosen)

    def test_works_in_training_after_inference_mode(self, anchors):
        nms, scores = ScaleSeparatedNMS(), random_scores(anchors)
        with torch.inference_mode():
            before = nms(scores, anchors)
        scores.requires_grad_()
        chosen = nms(scores, anchors)
        scores.gather(1, chosen).sum().backward()
        assert torch.equal(chosen, before)
        assert scores.grad.sum() == chosen.numel()

    def test_rejects_wrong_input(self, anchors):
        nms = ScaleSeparatedNMS()
        with pytest.raises(ValueError, match=r'scores must be \(B, 20\)'):
            nms(torch.zeros(1, 19), anchors)
        with pytest.raises(ValueError, match=r'scores must be \(B, 20\)'):
            nms(torch.zeros(20), anchors)
        with pytest.raises(ValueError, match='topk must be at least 1'):
            nms(torch.zeros(1, 20), anchors, topk=0)

    def test_rejects_wrong_arguments(self):
        with pytest.raises(ValueError, match='topk must be at least 1'):
            ScaleSeparatedNMS(topk=0)
        with pytest.raises(ValueError, match='IoU threshold'):
            ScaleSeparatedNMS(threshold=2)

    def test_builds_from_a_config_and_shows_its_parameters(self):
        nms = MODELS.build({'type': 'mmc2f.ScaleSeparatedNMS', 'topk': 3})
        assert repr(nms) == (
            'ScaleSeparatedNMS(threshold=0.25, topk=3, separate=True)'
        )
