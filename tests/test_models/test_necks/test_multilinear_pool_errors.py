import pytest
import torch
from pooling_problem import make_problem

from mmc2f.functional import multilinear_pool


@pytest.mark.parametrize(
    ('interactions', 'message'),
    [
        ((), 'interactions is empty'),
        (((0, 1), ()), r'interactions\[1\] = \(\): expected a tuple'),
        ((0, 1), r'interactions\[0\] = 0: expected a tuple'),
        (((0, 3),), r'\(0, 3\) names a map .* 3 maps .* from 0 to 2'),
        (((0, -1),), r'\(0, -1\) names a map'),
        ((('a', 'b'),), 'names a map'),
    ],
)
def test_refuses_bad_interactions(interactions, message):
    with pytest.raises(ValueError, match=message):
        multilinear_pool(*make_problem(), interactions)


@pytest.mark.parametrize('chunk', [0, -3])
def test_refuses_empty_chunks(chunk):
    with pytest.raises(ValueError, match=f'from 1, not {chunk}'):
        multilinear_pool(*make_problem(), chunk=chunk)


@pytest.mark.parametrize(
    ('what', 'shape', 'message'),
    [
        ('maps', (2, 3), r'maps\[1\] has shape \(2, 3\); expected \(B, C'),
        ('maps', (2, 3, 0, 2), 'at least one position'),
        ('maps', (2, 3, 3, 3), r'maps\[1\] .* but maps\[0\] .* must agree'),
        ('maps', (1, 3, 3, 2), 'batch, height and width must agree'),
        ('maps', (2, 7, 3, 2), r'weights\[1\] .* the 7 channels of maps'),
        ('weights', (5,), r'weights\[1\] has shape \(5,\); expected \(d, 3\)'),
        ('weights', (6, 3), 'to 6 channels and weights.0. to 5'),
    ],
)
def test_refuses_what_does_not_fit(what, shape, message):
    maps, weights = make_problem()
    (maps if what == 'maps' else weights)[1] = torch.zeros(shape)
    with pytest.raises(ValueError, match=message):
        multilinear_pool(maps, weights)


def test_refuses_no_channels_and_a_missing_weight():
    maps, weights = make_problem()
    with pytest.raises(ValueError, match='d must be one number from 1'):
        multilinear_pool(maps, [x[:0] for x in weights])
    with pytest.raises(ValueError, match='3 maps but 2 weights'):
        multilinear_pool(maps, weights[:2])
