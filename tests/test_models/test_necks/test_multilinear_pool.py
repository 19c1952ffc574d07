import itertools

import pytest
import torch
from pooling_problem import dense_pool, make_problem, value_and_gradients

from mmc2f.functional import multilinear_pool
from mmc2f.models.necks.functional import (
    CHUNK_NUMEL,
    INTERACTIONS,
    default_chunk,
)

SOME_INTERACTIONS = [
    INTERACTIONS,
    ((0, 1), (0, 2), (1, 2)),
    ((0, 0),),
    ((2,),),
    ((0, 0, 1), (1,), (2, 2, 2)),
    ((2, 1, 0), (0, 1), (1, 0)),
    ((0, 2), (2,)),
]


def naive_pool(maps, weights, interactions):
    """Equations 4-6, image by image, channel by channel, pixel by pixel."""
    batch, _, height, width = maps[0].shape
    channels = len(weights[0])
    result = maps[0].new_zeros(batch, len(interactions) * channels)
    for image in range(batch):
        for block, interaction in enumerate(interactions):
            for k in range(channels):
                total = 0.0
                for y, x in itertools.product(range(height), range(width)):
                    product = 1.0
                    for i in interaction:
                        product *= weights[i][k] @ maps[i][image, :, y, x]
                    total += product
                result[image, block * channels + k] = total / (height * width)
    return result


@pytest.mark.parametrize('interactions', SOME_INTERACTIONS)
def test_equals_naive_loops(interactions):
    maps, weights = make_problem()
    expected = naive_pool(maps, weights, interactions)
    assert expected.shape == (2, len(interactions) * 5)
    for chunk in (None, 2):
        pooled = multilinear_pool(maps, weights, interactions, chunk)
        torch.testing.assert_close(pooled, expected)


@pytest.mark.parametrize('sizes', [(2, 3, 2), (1, 2, 2), (3, 1, 1), (0, 2, 2)])
@pytest.mark.parametrize('recompute', [False, True])
@pytest.mark.parametrize('interactions', SOME_INTERACTIONS)
def test_gradients_are_those_of_the_dense_form(interactions, recompute, sizes):
    problem = make_problem(sizes)
    pooled, gradients = value_and_gradients(
        multilinear_pool, *problem, interactions, 2, recompute
    )
    expected = value_and_gradients(dense_pool, *problem, interactions)
    torch.testing.assert_close(pooled, expected[0])
    for found, wanted in zip(gradients, expected[1], strict=True):
        if wanted is None:
            assert found is None
        else:
            torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize('recompute', [False, True])
@pytest.mark.parametrize('interactions', [INTERACTIONS, ((0, 0, 1), (2,))])
def test_gradcheck(interactions, recompute):
    maps, weights = make_problem((2, 2, 2), (2, 3, 2), d=3)
    tensors = [x.requires_grad_() for x in maps + weights]

    def pool(*tensors):
        return multilinear_pool(
            tensors[:3], tensors[3:], interactions, 2, recompute
        )

    assert torch.autograd.gradcheck(pool, tensors)


@pytest.mark.parametrize('recompute', [False, True])
@pytest.mark.parametrize('frozen', ['maps', 'weights', 'both but one'])
def test_what_is_frozen_gets_no_gradient(frozen, recompute):
    maps, weights = make_problem()
    maps_need = [frozen == 'weights'] * 3
    weights_need = [frozen == 'maps'] * 3
    if frozen == 'both but one':
        weights_need[1] = True
    for x, need in zip(maps + weights, maps_need + weights_need, strict=True):
        x.requires_grad_(need)
    pooled = multilinear_pool(maps, weights, chunk=2, recompute=recompute)
    pooled.square().sum().backward()
    _, expected = value_and_gradients(
        lambda *x: dense_pool(*x).square().sum(), maps, weights
    )
    scale = torch.randn((), generator=torch.Generator().manual_seed(1)).item()
    for x, wanted in zip(maps + weights, expected, strict=True):
        assert (x.grad is not None) == x.requires_grad
        if x.grad is not None:
            torch.testing.assert_close(x.grad * scale, wanted)


def test_without_gradients_nothing_is_recorded():
    maps, weights = make_problem()
    assert not multilinear_pool(maps, weights).requires_grad
    weights[0].requires_grad_()
    assert multilinear_pool(maps, weights).requires_grad
    with torch.no_grad():
        pooled = multilinear_pool(maps, weights)
    assert not pooled.requires_grad


def test_one_map_twice_sums_its_gradients():
    maps, weights = make_problem(channels=(4, 4))
    maps = [maps[0].requires_grad_()] * 2
    for pool in (multilinear_pool, dense_pool):
        pool(maps, weights, interactions=((0, 1),)).sum().backward()
    both = maps[0].grad.clone()
    maps[0].grad = None
    dense_pool(maps, weights, ((0, 1),)).sum().backward()
    torch.testing.assert_close(both, 2 * maps[0].grad)


@pytest.mark.parametrize('recompute', [False, True])
def test_is_deterministic(recompute):
    problem = make_problem((4, 6, 6), (16,) * 3, 40, torch.float)
    first, second = (
        value_and_gradients(
            multilinear_pool, *problem, chunk=16, recompute=recompute
        )
        for _ in range(2)
    )
    assert torch.equal(first[0], second[0])
    assert all(map(torch.equal, first[1], second[1]))


@pytest.mark.parametrize('recompute', [False, True])
def test_backward_twice_over_one_graph(recompute):
    maps, weights = make_problem()
    maps[0].requires_grad_()
    pooled = multilinear_pool(maps, weights, chunk=2, recompute=recompute)
    (first,) = torch.autograd.grad(pooled.sum(), maps[0], retain_graph=True)
    (second,) = torch.autograd.grad(pooled.sum(), maps[0])
    assert torch.equal(first, second)


def test_second_derivative_is_refused():
    maps, weights = make_problem()
    maps[0].requires_grad_()
    total = multilinear_pool(maps, weights).square().sum()
    (slope,) = torch.autograd.grad(total, maps[0], create_graph=True)
    with pytest.raises(RuntimeError, match='once_differentiable'):
        slope.sum().backward()


def saved_numel(**kwargs):
    """Numbers that the backward pass holds besides maps and weights."""
    maps, weights = make_problem((2, 4, 4), d=64)
    ours = {x.data_ptr() for x in maps + weights}
    sizes = []

    def pack(x):
        if x.data_ptr() not in ours:
            sizes.append(x.numel())
        return x

    weights[0].requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        multilinear_pool(maps, weights, **kwargs)
    return sum(sizes)


def test_what_is_held_for_the_backward_pass():
    projected = 2 * 4 * 4 * 64
    assert saved_numel(recompute=True) == 0
    assert saved_numel(recompute=False) == 3 * projected
    assert saved_numel(interactions=((0, 1),)) == 2 * projected


@pytest.mark.parametrize('size', [1, 7, 28, 500])
def test_default_chunk_is_a_power_of_two_of_limited_size(size):
    x = torch.empty(8, 3, size, size, device='meta')
    chunk = default_chunk(x)
    assert chunk.bit_count() == 1
    assert chunk >= 64
    assert chunk == 64 or chunk * 8 * size * size <= CHUNK_NUMEL
