import pytest
import torch

from mmc2f.structures import Regions


def make_regions(**changes):
    fields = {
        'boxes': torch.arange(24.0).view(2, 3, 4),
        'scores': torch.tensor([[0.3, 0.2, 0.1], [0.6, 0.5, 0.4]]),
        'anchor_index': torch.tensor([[1, 2, 3], [4, 5, 6]]),
        'scale_ids': torch.tensor([0, 0, 1]),
    }
    return Regions(**{**fields, **changes})


def test_counts_images_and_regions():
    regions = make_regions()
    assert len(regions) == 2
    assert regions.num_regions == 3


def test_select_takes_columns_in_the_order_given():
    regions = make_regions().select([2, 0])
    assert (
        regions.scores.tolist()
        == torch.tensor([[0.1, 0.3], [0.4, 0.6]]).tolist()
    )
    assert regions.anchor_index.tolist() == [[3, 1], [6, 4]]
    assert regions.scale_ids.tolist() == [1, 0]
    assert regions.boxes[1, 0].tolist() == [20, 21, 22, 23]


@pytest.mark.parametrize(
    'changes, message',
    [
        ({'boxes': torch.zeros(3, 4)}, r'boxes of Regions must be \(B, R, 4'),
        ({'boxes': torch.zeros(2, 3, 5)}, 'boxes of Regions'),
        (
            {'scores': torch.zeros(2, 2)},
            r'scores of Regions must be \(2,',
        ),
        ({'anchor_index': torch.zeros(3, 2)}, 'anchor_index of Regions'),
        ({'scale_ids': torch.zeros(2)}, r'scale_ids of Regions must be \(3,'),
    ],
)
def test_rejects_shapes_that_do_not_belong_together(changes, message):
    with pytest.raises(ValueError, match=message):
        make_regions(**changes)
