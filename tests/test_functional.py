"""Every pure function works on tensors and plain numbers alone."""

import pytest
import torch

from mmc2f import functional
from mmc2f.structures import LabelTree

LABELS = torch.tensor([0, 0, 1, 1])
FEATURES = torch.tensor([[1.0, 0], [0, 1], [0, 1], [1, 0]])
PARENT_OF = torch.tensor([0, 0, 1])
TREE = LabelTree(['x', 'y'], [list('abc'), list('pq')], [[0, 0, 1]])
LEVEL_CONFIDENCE = torch.tensor([[0.9, 0.9], [0.5, 0.6], [0.2, 0.4]])
SWAPPED = LabelTree(['x', 'y'], [list('ab'), list('pq')], [[1, 0]])
BOXES = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 3], [5, 5, 9, 9]])

# Arguments of a call, and its result worked out by hand.
CALLS = {
    'calibrate_level_thresholds': (
        (LEVEL_CONFIDENCE, LEVEL_CONFIDENCE > 0.55, 1.0),
        [0.9, 0.6],
    ),
    'combine_levels': (
        # Even finest classes, and odds of 4 : 1 above them.
        (
            [torch.zeros(1, 2), torch.tensor([[0.8, 0.2]]).log()],
            SWAPPED,
            0.5,
        ),
        ([[0.5, 0.5]], [[2 / 3, 1 / 3]]),
    ),
    'cosine_triplet_loss': (
        (FEATURES[:1], FEATURES[1:2], FEATURES[3:], 0.3),
        [1.3],
    ),
    'coverage_accuracy': (
        (torch.tensor([0.4, 0.8, 0.8]), torch.tensor([True, False, True])),
        ([1 / 3 * 2, 1.0], [0.5, 2 / 3]),
    ),
    'finest_confident_level': (
        (LEVEL_CONFIDENCE, [0.8, None]),
        [0, -1, -1],
    ),
    'hierarchical_accuracy': (
        (
            torch.tensor([0, 1, 2, 0]),
            torch.tensor([0, 0, 2, 2]),
            torch.stack([torch.arange(3), PARENT_OF]),
        ),
        [50.0, 75.0],
    ),
    'hierarchical_distance': (
        (torch.tensor([0, 1, 2]), torch.tensor([0, 0, 0]), TREE),
        [0, 1, 2],
    ),
    'iou_suppression': (
        (BOXES, 0.5),
        [[True, True, False], [True, True, False], [False, False, True]],
    ),
    'level_consistency': (
        (torch.tensor([[0, 0], [1, 0], [2, 0], [2, 1]]), TREE),
        75.0,
    ),
    'mine_triplets': (
        (FEATURES, LABELS, 'batch_hard'),
        ([0, 1, 2, 3], [1, 0, 3, 2], [3, 2, 1, 0]),
    ),
    'multi_level_loss': (
        (torch.zeros(4, 3), torch.zeros(4, 2), LABELS, PARENT_OF),
        {'l1': 1.0986123, 'l2': 0.6931472, 'lh': 0.0, 'total': 1.7917595},
    ),
    'multilinear_pool': (
        (
            torch.tensor([[[[[1.0, 2.0]]]], [[[[3.0, 4.0]]]]]),
            torch.tensor([[[1.0], [2.0]], [[1.0], [-1.0]]]),
            ((0,), (0, 1)),
        ),
        [[1.5, 3.0, 5.5, -11.0]],
    ),
    'navigator_ranking_loss': (
        (torch.tensor([[0.0, 0.5]]), torch.tensor([[0.2, 0.1]])),
        1.5,
    ),
    'paired_bootstrap': (
        # The same at each image, so that no resampling changes it.
        (torch.tensor([0, 0]), torch.tensor([1, 1])),
        (100.0, 100.0, 100.0),
    ),
    'region_triplet_margin': (
        (FEATURES.unsqueeze(1), torch.eye(2), LABELS),
        [[1.0], [-1.0], [1.0], [-1.0]],
    ),
    'rerank': (
        (
            torch.tensor([[0.4, 0.35, 0.25]]),
            torch.tensor([[0.9, 0.8]]),
            torch.tensor([[1, 1]]),
            2,
        ),
        [[0.0, 1.0, 0.0]],
    ),
    'retrieval_scores': (
        (torch.tensor([[0.9, 0.8]]), torch.tensor([[1, 0]]), 3),
        [[0.8, 0.9, -2.0]],
    ),
    'signed_sqrt_l2': (
        (torch.tensor([[9.0, -16.0], [0.0, 0.0]]),),
        [[0.6, -0.8], [0.0, 0.0]],
    ),
    'search_resolutions': (
        # Level 0 drops to 0.5 at 2; level 1, asked from 1 on, has 0.5.
        (lambda level, r: (r + level) / 4, [4, 3, 2, 1], [0.7, 0.7]),
        [2, 1],
    ),
    'sum_to_levels': (
        (torch.tensor([[0.3, 0.7]]), SWAPPED),
        ([[0.3, 0.7]], [[0.7, 0.3]]),
    ),
    'topk_nms': (
        (
            torch.tensor([[0.1, 0.9, 0.5]]),
            functional.iou_suppression(BOXES, 0.5),
            3,
        ),
        [[1, 2, 1]],
    ),
}


def as_lists(result):
    if isinstance(result, dict):
        return {name: x.item() for name, x in result.items()}
    if isinstance(result, (tuple, list)):
        return tuple(x.tolist() if torch.is_tensor(x) else x for x in result)
    return result.tolist() if torch.is_tensor(result) else result


def test_every_public_function_is_called_here():
    assert sorted(functional.__all__) == sorted(CALLS)


@pytest.mark.parametrize('name', functional.__all__)
def test_is_called_with_tensors_alone(name):
    arguments, expected = CALLS[name]
    result = as_lists(getattr(functional, name)(*arguments))
    if isinstance(expected, dict):
        assert result == pytest.approx(expected)
    else:
        torch.testing.assert_close(
            torch.tensor(result), torch.tensor(expected), rtol=0, atol=1e-5
        )
