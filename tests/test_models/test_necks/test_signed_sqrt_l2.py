import math

import pytest
import torch

from mmc2f.functional import signed_sqrt_l2


def naive_signed_sqrt_l2(rows):
    """Number by number."""
    result = []
    for row in rows:
        roots = [math.copysign(math.sqrt(abs(x)), x) for x in row]
        length = math.sqrt(sum(x * x for x in roots))
        result.append([x / length for x in roots])
    return result


def test_equals_naive_loops():
    x = torch.randn(3, 4, 7, dtype=torch.float64)
    expected = [naive_signed_sqrt_l2(rows.tolist()) for rows in x]
    torch.testing.assert_close(signed_sqrt_l2(x), x.new_tensor(expected))


def test_gradient_equals_finite_differences():
    x = torch.randn(2, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(signed_sqrt_l2, x)


@pytest.mark.parametrize('row', [[0.0, 0.0], [0.0, 4.0], [1e-30, -1e-30]])
def test_gradient_is_finite_at_zero(row):
    x = torch.tensor([row], requires_grad=True)
    y = signed_sqrt_l2(x)
    y.sum().backward()
    assert y.isfinite().all()
    assert x.grad.isfinite().all()
    assert (y == 0)[x == 0].all()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(dtype):
    x = (torch.randn(2, 300) * 1e-3).to(dtype)
    y = signed_sqrt_l2(x)
    assert y.dtype == dtype
    assert torch.equal(y, signed_sqrt_l2(x.float()).to(dtype))
