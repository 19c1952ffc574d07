"""Hits and their chances, against loops over boxes and places."""

import itertools

import pytest
import torch

from mmc2f.evaluation.functional.box_hits import (
    BoxHits,
    box_hits,
    covered_share,
    hit_rates,
)
from mmc2f.models.regions import AnchorGenerator

SIZE = (40, 60)  # (H, W)


def naive_count(box, points):
    """Points of the input that lie in the box."""
    height, width = SIZE
    return sum(
        box[0] <= x <= box[2] and box[1] <= y <= box[3]
        for x, y in points
        if 0 <= x <= width and 0 <= y <= height
    )


def naive_mean(measure, step=0.5):
    """Mean of a measure over places of a centre, on a fine grid."""
    height, width = SIZE
    ys = [(i + 0.5) * step for i in range(int(height / step))]
    xs = [(i + 0.5) * step for i in range(int(width / step))]
    values = [measure(x, y) for y, x in itertools.product(ys, xs)]
    return sum(values) / len(values)


def random_image(seed):
    generator = torch.Generator().manual_seed(seed)

    def rand(*shape):
        return torch.rand(*shape, generator=generator)

    extent = torch.tensor([60.0, 40.0])
    centres = rand(4, 2) * extent
    half = torch.tensor([[4.0], [4.0], [9.0], [9.0]])
    boxes = torch.cat([centres - half, centres + half], dim=1)
    # Some of them outside.
    parts = rand(5, 2) * extent * 1.4 - 0.2 * extent
    corner = rand(2) * extent * 0.7 - 5
    return boxes, parts, torch.cat([corner, corner + rand(2) * 30 + 5])


@pytest.mark.parametrize('seed', range(4))
def test_equals_loops(seed):
    boxes, parts, target = random_image(seed)
    hits = box_hits(boxes, parts, target, SIZE)
    assert hits.scales.tolist() == [8, 8, 18, 18]
    left, top, right, bottom = target.tolist()

    def in_object(x, y):
        return left <= x <= right and top <= y <= bottom

    for i, box in enumerate(boxes.tolist()):
        assert hits.count[i] == naive_count(box, parts.tolist())
        assert hits.part[i] == (hits.count[i] > 0)
        centre = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        assert hits.centred[i] == in_object(*centre)
    for i, half in ((0, 4), (2, 9)):

        def count(x, y, half=half):
            box = (x - half, y - half, x + half, y + half)
            return naive_count(box, parts.tolist())

        chance = naive_mean(lambda x, y, count=count: count(x, y) > 0)
        assert hits.part_chance[i].item() == pytest.approx(chance, abs=0.01)
        assert hits.count_chance[i].item() == pytest.approx(
            naive_mean(count), abs=0.01
        )
    chance = naive_mean(in_object)
    assert hits.centred_chance.tolist() == pytest.approx(
        [chance] * 4, abs=0.01
    )


def test_over_other_images_equals_loops():
    boxes, parts, target = random_image(0)
    others = [random_image(seed)[1] for seed in (1, 2, 3)]
    hits = box_hits(boxes, parts, target, SIZE, others)
    for i, box in enumerate(boxes.tolist()):
        counts = [naive_count(box, other.tolist()) for other in others]
        assert hits.count_elsewhere[i].item() == pytest.approx(sum(counts) / 3)
        share = sum(count > 0 for count in counts) / 3
        assert hits.part_elsewhere[i].item() == pytest.approx(share)
    alone = box_hits(boxes, parts, target, SIZE)
    assert alone.part_elsewhere.isnan().all()
    assert alone.count_elsewhere.isnan().all()
    assert alone.count_chance.equal(hits.count_chance)


def test_hits_by_hand():
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [30.0, 20.0, 40.0, 30.0]])
    parts = torch.tensor([[10.0, 10.0], [70.0, 25.0]])
    hits = box_hits(boxes, parts, torch.tensor([30.0, 20.0, 60.0, 40.0]), SIZE)
    # A rim counts; the second part is outside and cannot be hit.
    assert hits.part.tolist() == [True, False]
    assert hits.part_chance.tolist() == pytest.approx([100 / 2400] * 2)
    assert hits.count.tolist() == [1, 0]
    assert hits.count_chance.tolist() == pytest.approx([100 / 2400] * 2)
    assert hits.centred.tolist() == [False, True]
    assert hits.centred_chance.tolist() == pytest.approx([0.25, 0.25])


def test_chance_is_nothing_without_parts():
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
    target = torch.tensor([70.0, 0.0, 80.0, 10.0])
    hits = box_hits(boxes, torch.zeros(0, 2), target, SIZE)
    assert not hits.part.any() and not hits.centred.any()
    assert hits.part_chance.tolist() == hits.centred_chance.tolist() == [0]
    assert hits.count.tolist() == hits.count_chance.tolist() == [0]


def test_covered_share_counts_an_overlap_once():
    boxes = torch.tensor(
        [[0.0, 0.0, 30.0, 40.0], [15.0, -9.0, 45.0, 20.0]],
    )
    assert covered_share(boxes, SIZE) == pytest.approx(0.5 + 0.125)
    assert covered_share(boxes + 100, SIZE) == 0
    assert covered_share(boxes[:0], SIZE) == 0


def test_anchors_of_a_grid_hit_as_often_as_random_boxes():
    # ResNet-50 at 448 pixels: strides 16 and 32.
    anchors = AnchorGenerator(scales=(96, 192)).grid(
        (448, 448), [(28, 28), (14, 14)]
    )
    generator = torch.Generator().manual_seed(0)
    found = []
    for _ in range(20):
        parts = 100 + 250 * torch.rand(6, 2, generator=generator)
        target = torch.tensor([90.0, 80.0, 370.0, 360.0])
        hits = box_hits(anchors.boxes, parts, target, (448, 448))
        found.append(hits)
        assert hits.scales.unique().tolist() == [96, 192]
    rates = hit_rates(found)
    for scale in (96, 192):
        expected = rates[f'part_{scale}_random']
        assert rates[f'part_{scale}'] == pytest.approx(expected, abs=1.5)
        expected = rates[f'part_count_{scale}_random']
        assert rates[f'part_count_{scale}'] == pytest.approx(
            expected, rel=0.02
        )
    centred = torch.cat([hits.centred.double() for hits in found])
    expected = found[0].centred_chance[0].item()
    assert centred.mean().item() == pytest.approx(expected, abs=0.02)


def make_hits(scales, count, chance, elsewhere, centred, centred_chance):
    """``chance`` and ``elsewhere`` are of both, hit and count."""
    count, chance, elsewhere = map(torch.tensor, (count, chance, elsewhere))
    return BoxHits(
        scales=torch.tensor(scales),
        part=count > 0,
        part_chance=chance,
        part_elsewhere=elsewhere,
        count=count,
        count_chance=3 * chance,
        count_elsewhere=2 * elsewhere,
        centred=torch.tensor(centred),
        centred_chance=torch.tensor(centred_chance),
    )


def test_rates_by_hand():
    rates = hit_rates(
        [
            make_hits(
                [8, 9], [4, 0], [0.1, 0.3], [0.5, 0.5], [0, 1], [0.5] * 2
            ),
            make_hits(
                [8, 8], [1, 1], [0.4, 0.4], [0.2, 0.2], [0, 0], [0.2] * 2
            ),
        ]
    )
    assert rates == pytest.approx(
        {
            'part': 75,
            'part_random': 30,
            'part_shuffled': 35,
            'part_count': 1.5,
            'part_count_random': 0.9,
            'part_count_shuffled': 0.7,
            'object': 50,
            'object_random': 100 * (0.75 + 0.36) / 2,
            'part_8': 100,
            'part_8_random': 30,
            'part_8_shuffled': 30,
            'part_count_8': 2,
            'part_count_8_random': 0.9,
            'part_count_8_shuffled': 0.6,
            'object_8': 0,
            'object_8_random': 100 * (0.5 + 0.36) / 2,
            # Only the first image has a box of this scale.
            'part_9': 0,
            'part_9_random': 30,
            'part_9_shuffled': 50,
            'part_count_9': 0,
            'part_count_9_random': 0.9,
            'part_count_9_shuffled': 1,
            'object_9': 100,
            'object_9_random': 50,
        }
    )


def test_rates_of_a_single_image_have_nothing_to_shuffle():
    boxes, parts, target = random_image(0)
    rates = hit_rates([box_hits(boxes, parts, target, SIZE)])
    assert 'part_count_8_random' in rates
    assert not any(name.endswith('shuffled') for name in rates)


def test_nothing_to_judge_is_an_error():
    with pytest.raises(ValueError, match='boxes in each image: no image'):
        hit_rates([])
    boxless = box_hits(
        torch.zeros(0, 4), torch.zeros(1, 2), torch.zeros(4), SIZE
    )
    some = make_hits([8], [1], [0.1], [0.1], [0], [0.5])
    with pytest.raises(ValueError, match='image 1 has no box'):
        hit_rates([some, boxless])
