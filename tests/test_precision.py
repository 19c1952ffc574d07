import math

import pytest
import torch

from mmc2f.precision import unit_vectors


def test_divides_by_the_length():
    units = unit_vectors(torch.tensor([[3.0, 4.0], [0.0, -2.0]]))
    torch.testing.assert_close(units, torch.tensor([[0.6, 0.8], [0, -1]]))


def test_zero_vector_stays_zero_with_a_bounded_gradient():
    vectors = torch.zeros(1, 3, requires_grad=True)
    units = unit_vectors(vectors)
    units.sum().backward()
    assert units.abs().max() == 0
    assert vectors.grad.abs().max() <= 1


def test_nan_stays_nan():
    assert unit_vectors(torch.tensor([[math.nan, 1.0]])).isnan().all()


@pytest.mark.parametrize(
    'dtype, expected',
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_computes_in_float32_at_least(dtype, expected):
    # The squares are beyond the range of float16.
    units = unit_vectors(torch.full((1, 4), 1000.0, dtype=dtype))
    assert units.dtype == expected
    assert units.tolist() == [[0.5] * 4]
