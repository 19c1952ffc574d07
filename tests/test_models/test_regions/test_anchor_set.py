import pytest
import torch

from mmc2f.models.regions import AnchorSet
from mmc2f.models.regions.anchor_set import draw_anchors

BOXES = torch.tensor([[0.0, 0, 2, 2], [1, 1, 5, 5], [2, 2, 4, 4]])


def test_members_are_derived_from_scale_ids():
    anchors = AnchorSet(BOXES, torch.tensor([0, 1, 0]), (8, 8))
    assert len(anchors) == 3
    assert anchors.num_scales == 2
    assert [m.tolist() for m in anchors.members] == [[0, 2], [1]]
    assert anchors.device == torch.device('cpu')


def test_sets_differ_even_when_alike():
    ids = torch.tensor([0, 0, 0])
    first, second = (AnchorSet(BOXES, ids, (8, 8)) for _ in range(2))
    assert first != second
    assert len({first, second}) == 2


@pytest.mark.parametrize(
    'boxes, ids, message',
    [
        (torch.zeros(3, 5), torch.zeros(3), r'must be \(A, 4\)'),
        (torch.zeros(0, 4), torch.zeros(0), 'at least one anchor'),
        (BOXES, torch.zeros(2), 'one per anchor'),
        (BOXES, torch.tensor([0, 2, 2]), 'no anchor has scale 1'),
    ],
)
def test_rejects_wrong_input(boxes, ids, message):
    with pytest.raises(ValueError, match=message):
        AnchorSet(boxes, ids.long(), (8, 8))


def test_drawn_anchors_are_of_each_scale_and_reach_all_of_it():
    boxes = torch.tensor([[0.0, 0.0, 8.0, 8.0]]).repeat(7, 1)
    anchors = AnchorSet(boxes, torch.tensor([0, 1, 0, 1, 1, 0, 1]), (8, 8))
    torch.manual_seed(0)
    drawn = draw_anchors(anchors, 5, 40)
    assert drawn.shape == (5, 2 * 40)
    assert set(drawn[:, :40].flatten().tolist()) == {0, 2, 5}
    assert set(drawn[:, 40:].flatten().tolist()) == {1, 3, 4, 6}
