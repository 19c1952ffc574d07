"""Classes of a data set against those of a hierarchy."""

import pytest

from mmc2f.structures.label_tree_names import check_order

OWN = ('Sooty_Albatross', 'Crested Auklet', 'Café Bird', '707-320', '727-200')


@pytest.fixture
def warnings(monkeypatch):
    logged = []
    monkeypatch.setattr(
        'mmc2f.structures.label_tree_names.print_log',
        lambda message, logger, level: logged.append(message),
    )
    return logged


@pytest.mark.parametrize(
    'changes',
    [
        {},
        {0: '001.Sooty_Albatross', 1: '002.Crested_Auklet'},
        {0: 'sooty albatross', 2: 'Cafe\u0301 Bird'},
    ],
)
def test_other_spellings_of_known_names(changes, warnings):
    check_order([changes.get(i, n) for i, n in enumerate(OWN)], OWN, 'data')
    assert not warnings


@pytest.mark.parametrize('third', ['Café Bird', 'Kaffeevogel'])
def test_another_order_is_refused_whatever_else_is_misspelt(third):
    names = ['crested auklet', OWN[0], third, *OWN[3:]]
    with pytest.raises(ValueError, match='another order') as caught:
        check_order(names, OWN, 'data')
    message = str(caught.value)
    assert "class 0 is 'crested auklet' in data, but 'Sooty_Alb" in message
    assert "'Crested Auklet' is class 1" in message


def test_unknown_names_are_reported(warnings):
    check_order([*OWN[:2], 'Kaffeevogel', *OWN[3:]], OWN, 'data')
    (message,) = warnings
    assert "1 of 5 classes of data" in message
    assert "'Kaffeevogel' for 'Café Bird'" in message
    check_order(['a', 'b', 'c', 'd', 'e', 'f'], 'uvwxyz', 'data')
    assert warnings[1].endswith("'e' for 'y', ....")


def test_names_that_differ_by_little_are_not_mixed_up(warnings):
    own = ('A-1', 'A 1', 'b')
    check_order(own, own, 'data')
    assert not warnings
    check_order(['a1', 'A 1', 'B'], own, 'data')
    assert "'a1' for 'A-1'" in warnings[0]
    with pytest.raises(ValueError, match="class 0 is 'A 1' in data"):
        check_order(['A 1', 'A-1', 'b'], own, 'data')
