import math

import pytest
import torch

from mmc2f.models.necks.autograd import derivative, evaluate

FACTORS = {i: torch.tensor([[i + 2.0, -1.5 * i]]) for i in range(4)}
TERMS = [
    {(): 3.0},
    {(1,): 2.0},
    {(): 3.0, (2,): 5.0},
    {(1,): 2.0, (2,): 3.0, (1, 2): 5.0},
    {(0, 0): 2.0, (0,): 1.0, (0, 0, 3): 7.0, (): -1.0},
    {(0, 1, 2, 3): 2.0, (1, 1, 1): 3.0},
]


@pytest.mark.parametrize('terms', TERMS)
def test_horner_equals_sum_of_terms(terms):
    terms = {p: torch.tensor([[c]]) for p, c in terms.items()}
    before = {i: x.clone() for i, x in FACTORS.items()}
    value = evaluate(terms, FACTORS).expand(1, 2)
    for column in range(2):
        expected = sum(
            c.item() * math.prod(FACTORS[i][0, column].item() for i in p)
            for p, c in terms.items()
        )
        assert value[0, column].item() == pytest.approx(expected)
    for i, x in FACTORS.items():
        assert torch.equal(x, before[i])


def test_derivative_of_the_default_products():
    terms = derivative(
        ((0, 1), (0, 2), (1, 2), (0, 1, 2)), torch.arange(1.0, 5.0), by=0
    )
    assert terms == {(1,): 1, (2,): 2, (1, 2): 4}


def test_derivative_counts_repeated_factors_and_joins_equal_ones():
    products = ((0, 0), (1, 0, 0), (0, 1), (1, 0), (1,), (0,))
    terms = derivative(products, torch.arange(1.0, 7.0), by=0)
    assert terms == {(0,): 2 * 1, (0, 1): 2 * 2, (1,): 3 + 4, (): 6}
