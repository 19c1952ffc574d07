import numpy as np
import pytest

from mmc2f.arguments import (
    check_choice,
    check_real,
    check_whole,
    type_name,
)
from mmc2f.models import FusionNeck


def test_choices():
    check_choice('mode', 'b', ('a', 'b'))
    with pytest.raises(ValueError, match="one of 'a', 'b', got 3"):
        check_choice('mode', 3, ('a', 'b'))


def test_whole_numbers():
    for value in (1, np.int64(7)):
        check_whole('topm', value)
    check_whole('topm', 0, least=0)


@pytest.mark.parametrize(
    ('value', 'match'),
    [
        (1.5, 'topm must be a whole number, got 1.5'),
        (2.0, 'whole'),
        ('3', "got '3'"),
        (None, 'got None'),
        (True, 'got True'),
        (0, 'topm must be at least 1, got 0'),
    ],
)
def test_other_numbers_are_refused(value, match):
    with pytest.raises(ValueError, match=match):
        check_whole('topm', value)


def test_numbers():
    for value in (1, 0.5, np.float32(2), float('inf')):
        check_real('t_sc', value)
    for value in ('0.5', None, [1], float('nan')):
        with pytest.raises(ValueError, match='t_sc must be a number, got'):
            check_real('t_sc', value)


@pytest.mark.parametrize(
    'kind', ['mmc2f.FusionNeck', 'FusionNeck', FusionNeck]
)
def test_type_name_has_no_scope(kind):
    assert type_name(dict(type=kind)) == type_name(kind) == 'FusionNeck'


def test_a_config_without_a_type_has_no_name():
    assert type_name({}) == ''
