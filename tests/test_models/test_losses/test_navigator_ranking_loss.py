import itertools
import math

import pytest
import torch

from mmc2f.models.losses import navigator_ranking_loss
from mmc2f.registry import MODELS


def naive_loss(scores, quality, margin, reduction):
    """Pair by pair, as NTS-Net states it."""
    per_image = []
    for row, order in zip(scores.tolist(), quality.tolist(), strict=True):
        pairs = itertools.permutations(zip(row, order, strict=True), 2)
        hinges = [
            max(0, margin - (better - worse))
            for (worse, low), (better, high) in pairs
            if high > low
        ]
        divisor = 1 if reduction == 'sum' else max(1, len(hinges))
        per_image.append(sum(hinges) / divisor)
    return sum(per_image) / len(per_image)


@pytest.fixture
def batch():
    generator = torch.manual_seed(0)
    scores = torch.randn(5, 6, generator=generator, dtype=torch.float64)
    # Few values: many pairs of equal quality. The last image has no other.
    quality = torch.randint(0, 4, (5, 6), generator=generator).double()
    quality[-1] = 0.5
    return scores, quality


@pytest.mark.parametrize('reduction', ['sum', 'mean'])
@pytest.mark.parametrize('margin', [0.2, 1.0])
def test_equals_naive_double_loop(batch, margin, reduction):
    loss = navigator_ranking_loss(*batch, margin, reduction)
    expected = naive_loss(*batch, margin, reduction)
    assert loss.item() == pytest.approx(expected)


def test_default_is_that_of_nts_net(batch):
    expected = naive_loss(*batch, margin=1.0, reduction='sum')
    assert navigator_ranking_loss(*batch).item() == pytest.approx(expected)


def test_a_better_region_is_pushed_up():
    scores = torch.zeros(1, 3, requires_grad=True)
    quality = torch.tensor([[0.1, 0.5, 0.9]])
    navigator_ranking_loss(scores, quality).backward()
    assert scores.grad.tolist() == [[2, 0, -2]]


def test_scores_in_order_and_apart_have_no_loss():
    scores = torch.tensor([[3.0, 1.0, 2.0]])
    quality = torch.tensor([[0.9, -7.0, 0.1]])
    assert navigator_ranking_loss(scores, quality) == 0


@pytest.mark.parametrize('reduction', ['sum', 'mean'])
@pytest.mark.parametrize('count', [1, 4])
def test_no_pair_gives_zero_with_a_gradient(count, reduction):
    scores = torch.randn(2, count, requires_grad=True)
    loss = navigator_ranking_loss(
        scores, torch.ones(2, count), reduction=reduction
    )
    loss.backward()
    assert loss == 0
    assert scores.grad.abs().max() == 0


def test_quality_gets_no_gradient(batch):
    scores, quality = batch
    quality.requires_grad_()
    assert not navigator_ranking_loss(scores, quality).requires_grad
    navigator_ranking_loss(scores.requires_grad_(), quality).backward()
    assert quality.grad is None
    assert scores.grad.abs().max() > 0


@pytest.mark.parametrize('position', [0, 1])
def test_nan_goes_through(batch, position):
    batch[position][0, 0] = math.nan
    assert navigator_ranking_loss(*batch).isnan()


def test_infinite_quality_is_only_an_order():
    # The log probability of a class may be -inf.
    quality = torch.tensor([[-math.inf, -math.inf, 0.0]])
    assert navigator_ranking_loss(torch.zeros(1, 3), quality) == 2


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(batch, dtype):
    scores, quality = (x.to(dtype) for x in batch)
    loss = navigator_ranking_loss(scores, quality)
    assert loss.dtype == torch.float32
    assert loss == navigator_ranking_loss(scores.float(), quality)


def test_module_weighs_the_loss(batch):
    module = MODELS.build(
        {
            'type': 'mmc2f.NavigatorRankingLoss',
            'margin': 0.5,
            'loss_weight': 3.0,
            'reduction': 'mean',
        }
    )
    expected = 3 * naive_loss(*batch, 0.5, 'mean')
    assert module(*batch).item() == pytest.approx(expected)
    assert repr(module) == (
        "NavigatorRankingLoss(margin=0.5, loss_weight=3.0, reduction='mean')"
    )


@pytest.mark.parametrize(
    'scores, quality',
    [
        (torch.zeros(2, 3), torch.zeros(2, 4)),
        (torch.zeros(3), torch.zeros(3)),
        (torch.zeros(0, 3), torch.zeros(0, 3)),
    ],
)
def test_rejects_wrong_shapes(scores, quality):
    with pytest.raises(ValueError, match=r'must both be \(B, M\) and not'):
        navigator_ranking_loss(scores, quality)


@pytest.mark.parametrize(
    'name, value',
    [('margin', 0), ('margin', math.nan), ('reduction', 'max')],
)
def test_rejects_wrong_arguments(batch, name, value):
    with pytest.raises(ValueError, match=f'{name} must be'):
        navigator_ranking_loss(*batch, **{name: value})
    with pytest.raises(ValueError, match=f'{name} must be'):
        MODELS.build({'type': 'mmc2f.NavigatorRankingLoss', name: value})
