"""The clock of scheduling: follows corrections, doubts steps, believes what stays."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerting.rule_sets import NOW
from tests.clock.machine import Machine

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


def test_the_clock_follows_small_corrections_as_ntp_makes_them() -> None:
    # Prometheus, pull request 11155: a wall clock that jumps by milliseconds again and again.
    machine = Machine()
    clock = machine.clock()
    for _ in range(100):
        machine.runs(SECOND)
        machine.is_set(timedelta(milliseconds=7))
        assert clock() == machine.shown
    assert (clock.steps, clock.problem()) == (0, "")


@pytest.mark.parametrize("by", [2 * DAY, -2 * DAY, 10 * SECOND, -timedelta(days=10_000)], ids=str)
def test_a_clock_that_is_set_and_back_within_the_hold_changed_nothing(by: timedelta) -> None:
    machine = Machine()
    clock = machine.clock()
    clock()
    machine.is_set(by)
    machine.runs(30 * SECOND)
    assert clock() == NOW + 30 * SECOND
    assert "was set" in clock.problem()
    machine.is_set(-by)
    machine.runs(SECOND)
    assert clock() == NOW + 31 * SECOND
    assert (clock.steps, clock.problem(), clock.moved) == (1, "", timedelta())


@pytest.mark.parametrize("by", [2 * DAY, -2 * DAY], ids=str)
def test_a_clock_that_stays_where_it_was_set_is_believed_after_the_hold(by: timedelta) -> None:
    # grafana/grafana issue 43031: a clock that was wrong once and is corrected must not be wrong for ever.
    machine = Machine()
    clock = machine.clock(hold=MINUTE)
    machine.is_set(by)
    assert clock() == NOW
    machine.runs(MINUTE)
    assert clock() == machine.shown == NOW + by + MINUTE
    assert (clock.moved, clock.problem()) == (by, "")
    assert clock.in_doubt(DAY)
    machine.runs(DAY)
    assert clock() == machine.shown
    assert not clock.in_doubt(DAY)


def test_a_second_clock_step_during_the_hold_restarts_the_hold() -> None:
    machine = Machine()
    clock = machine.clock(hold=MINUTE)
    for _ in range(5):
        machine.is_set(DAY)
        machine.runs(50 * SECOND)
        clock()
    assert clock() == NOW + 250 * SECOND
    assert clock.steps == 5


@given(st.lists(st.tuples(st.integers(-200_000, 200_000), st.integers(1, 400)), max_size=20))
def test_the_clock_never_differs_from_the_shown_time_for_longer_than_the_hold(steps: list[tuple[int, int]]) -> None:
    machine = Machine()
    clock = machine.clock()
    for by, length in steps:
        machine.is_set(by * SECOND)
        clock()
        machine.runs(length * SECOND)
        clock()
    machine.runs(timedelta(seconds=301))
    assert abs(clock() - machine.shown) <= timedelta(seconds=5)
