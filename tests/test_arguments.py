import pytest

from mmc2f.arguments import check_choice, type_name
from mmc2f.models import FusionNeck


def test_choices():
    check_choice('mode', 'b', ('a', 'b'))
    with pytest.raises(ValueError, match="one of 'a', 'b', got 3"):
        check_choice('mode', 3, ('a', 'b'))


@pytest.mark.parametrize(
    'kind', ['mmc2f.FusionNeck', 'FusionNeck', FusionNeck]
)
def test_type_name_has_no_scope(kind):
    assert type_name(dict(type=kind)) == type_name(kind) == 'FusionNeck'


def test_a_config_without_a_type_has_no_name():
    assert type_name({}) == ''
