"""The fast order is that of a stable, descending argsort."""

import pytest
import torch

from mmc2f.retrieval.stable_order import stable_order

INF, NAN = float('inf'), float('nan')


def reference(scores):
    """Row by row, by Python's own stable sort."""
    return [
        sorted(range(len(row)), key=lambda c: -row[c])
        for row in scores.tolist()
    ]


@pytest.mark.parametrize('columns', [1, 2, 7, 200, 5000])
@pytest.mark.parametrize('levels', [1, 3, 1000])
def test_order_of_scores_with_equals(columns, levels):
    made = torch.Generator().manual_seed(columns + levels)
    scores = torch.randint(levels, (9, columns), generator=made) / levels
    assert stable_order(scores).tolist() == reference(scores)


@pytest.mark.parametrize(
    'row',
    [
        [0.0, -0.0, 0.0],
        [-0.0, 0.0, 1e-45, -1e-45],
        [-1.0, -2.0, 0.5, -1.0, 3.0],
        [INF, -INF, 0.0, INF, -3e38, 3e38],
        [1.0, 1.0 - 2.0**-24, 1.0 + 2.0**-23],
    ],
)
def test_order_of_every_kind_of_number(row):
    scores = torch.tensor([row, row[::-1]])
    assert stable_order(scores).tolist() == reference(scores)


@pytest.mark.parametrize('sign', [1, -1])
def test_nan_comes_first_whatever_its_sign(sign):
    scores = torch.tensor([[0.2, NAN, INF, NAN], [0.1, 0.2, 0.3, 0.4]])
    scores = torch.copysign(scores, torch.tensor(float(sign)))
    expected = scores.argsort(dim=1, descending=True, stable=True)
    assert stable_order(scores).equal(expected)
    assert stable_order(scores)[0].tolist()[:2] == [1, 3]


@pytest.mark.parametrize('dtype', [torch.float64, torch.bfloat16])
def test_other_precisions_keep_theirs(dtype):
    # The first two are one number in float32.
    scores = torch.tensor([[0.5, 0.5 + 1e-12, 0.25]], dtype=torch.float64)
    scores = scores.to(dtype)
    assert stable_order(scores).tolist() == reference(scores)


def test_a_view_and_what_needs_a_gradient():
    scores = torch.rand(6, 4, requires_grad=True)
    assert stable_order(scores.T).tolist() == reference(scores.T)
    assert not stable_order(scores).requires_grad


@pytest.mark.parametrize('shape', [(0, 5), (3, 0)])
def test_nothing_to_order(shape):
    order = stable_order(torch.zeros(shape))
    assert order.shape == shape and order.dtype == torch.int64


def test_scores_are_left_as_they_are():
    scores = torch.tensor([[0.1, -0.0, 0.7]])
    before = scores.clone()
    stable_order(scores)
    assert scores.view(torch.int32).equal(before.view(torch.int32))


def test_a_traced_graph_sorts_what_it_is_given():
    traced = torch.jit.trace(stable_order, torch.tensor([[0.1, 0.2, 0.3]]))
    assert traced(torch.tensor([[3.0, 1.0, 2.0]])).tolist() == [[0, 2, 1]]


def test_an_exported_graph_sorts_what_it_is_given():
    class Order(torch.nn.Module):
        def forward(self, scores):
            return stable_order(scores)

    graph = torch.export.export(Order(), (torch.tensor([[0.1, 0.2, 0.3]]),))
    order = graph.module()(torch.tensor([[3.0, 1.0, 2.0]]))
    assert order.tolist() == [[0, 2, 1]]
