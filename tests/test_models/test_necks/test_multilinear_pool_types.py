"""Multi-linear pooling in every type, memory format and graph."""

import pytest
import torch
from pooling_problem import dense_pool, make_problem, value_and_gradients

from mmc2f.functional import multilinear_pool


@pytest.mark.parametrize('recompute', [False, True])
@pytest.mark.parametrize('chunk', [None, 96, 10**6])
def test_float32_on_real_sizes(chunk, recompute):
    problem = make_problem((2, 14, 14), (512,) * 3, 512, torch.float)
    pooled, gradients = value_and_gradients(
        multilinear_pool, *problem, chunk=chunk, recompute=recompute
    )
    expected = value_and_gradients(dense_pool, *problem)
    pairs = zip((pooled, *gradients), (expected[0], *expected[1]), strict=True)
    for found, wanted in pairs:
        assert (found - wanted).norm() < 1e-5 * wanted.norm()


@pytest.mark.parametrize('recompute', [False, True])
def test_bfloat16_autocast_is_like_a_convolution(recompute):
    maps, weights = make_problem((2, 7, 7), (64,) * 3, 96, torch.float)
    exact = value_and_gradients(multilinear_pool, maps, weights)
    with torch.autocast('cpu', torch.bfloat16):
        pooled, gradients = value_and_gradients(
            multilinear_pool, maps, weights, chunk=10, recompute=recompute
        )
        dense = value_and_gradients(dense_pool, maps, weights)
    assert pooled.dtype == dense[0].dtype == torch.bfloat16
    pairs = zip(
        (pooled, *gradients),
        (exact[0], *exact[1]),
        (dense[0], *dense[1]),
        strict=True,
    )
    for found, wanted, usual in pairs:
        assert found.dtype == usual.dtype
        error = (found - wanted).norm() / wanted.norm()
        assert error < 0.02
        # No worse than the dense form, but for chance.
        assert error < 1.2 * (usual - wanted).norm() / wanted.norm()


def test_autocast_takes_maps_of_half_precision():
    maps, weights = make_problem(dtype=torch.float)
    with torch.autocast('cpu', torch.bfloat16):
        pooled = multilinear_pool([x.bfloat16() for x in maps], weights)
        expected = multilinear_pool(maps, weights)
    assert torch.equal(pooled, expected)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_gradients_keep_the_type(dtype):
    maps, weights = make_problem(dtype=torch.float)
    halves = [x.to(dtype) for x in maps], [x.to(dtype) for x in weights]
    pooled, gradients = value_and_gradients(multilinear_pool, *halves, chunk=2)
    _, expected = value_and_gradients(multilinear_pool, maps, weights)
    assert pooled.dtype == dtype
    for found, wanted in zip(gradients, expected, strict=True):
        assert found.dtype == dtype
        assert (found - wanted).norm() < 0.03 * wanted.norm()


def channels_last(x):
    return x.contiguous(memory_format=torch.channels_last)


def every_second(x):
    """A map with gaps in memory."""
    return x.repeat_interleave(2, dim=3)[..., ::2]


def swapped(x):
    """Rows and columns in the other order in memory."""
    return x.mT.contiguous().mT


@pytest.mark.parametrize('recompute', [False, True])
@pytest.mark.parametrize('change', [channels_last, every_second, swapped])
def test_any_memory_format(change, recompute):
    maps, weights = make_problem((3, 4, 5))
    changed = [change(x) for x in maps]
    turned = [x.t().contiguous().t() for x in weights]
    assert not changed[0].is_contiguous()
    pooled, gradients = value_and_gradients(
        multilinear_pool, changed, turned, chunk=2, recompute=recompute
    )
    expected = value_and_gradients(dense_pool, maps, weights)
    torch.testing.assert_close(pooled, expected[0])
    for found, wanted in zip(gradients, expected[1], strict=True):
        torch.testing.assert_close(found, wanted)
    if change is channels_last:
        for x in gradients[:3]:
            assert x.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize('recompute', [False, True])
def test_compiled_training_step(recompute):
    if not torch._dynamo.is_dynamo_supported():
        pytest.skip('torch.compile does not run here')
    problem = make_problem()

    def pool(maps, weights):
        maps = [x * 2 for x in maps]
        return (
            multilinear_pool(maps, weights, chunk=2, recompute=recompute) * 3
        )

    compiled = torch.compile(pool, backend='aot_eager')
    found = value_and_gradients(compiled, *problem)
    expected = value_and_gradients(pool, *problem)
    torch.testing.assert_close(found, expected)


def test_compiles_into_one_graph_without_gradients():
    if not torch._dynamo.is_dynamo_supported():
        pytest.skip('torch.compile does not run here')
    compiled = torch.compile(
        multilinear_pool, backend='aot_eager', fullgraph=True
    )
    for sizes in ((2, 3, 2), (3, 3, 2), (4, 3, 2)):
        problem = make_problem(sizes)
        with torch.no_grad():
            pooled = compiled(*problem)
        torch.testing.assert_close(pooled, multilinear_pool(*problem))
