"""The time that is left follows from what each kind of work has taken."""

import pytest

from mmc2f.engine.time_left import TimeLeft


def test_nothing_is_said_before_the_first_step():
    left = TimeLeft()
    left.add('validation', 3)
    assert left.seconds({'one': 5}, {'validation': 1}) is None


def test_each_stage_has_its_own_mean():
    left = TimeLeft()
    for stage, seconds in (('one', 1), ('one', 3), ('two', 10)):
        left.add_step(stage, seconds)
    assert left.mean('one') == 2 and left.mean('three') is None
    assert left.seconds({'one': 4, 'two': 1}, {}) == 4 * 2 + 10
    # Taken to cost what the last one does.
    assert left.seconds({'three': 2}, {}) == 20


def test_validations_count_when_one_was_seen():
    left = TimeLeft()
    left.add_step('one', 1)
    assert left.seconds({'one': 2}, {'validation': 3}) == 2
    left.add('validation', 5)
    left.add('validation', 6)
    assert left.seconds({'one': 2}, {'validation': 3}) == pytest.approx(18.5)
