"""A forecast of spending is right where days are regular, and its interval holds where they are not."""

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.config.budgets import BudgetPeriod
from controlsurface.money.budget_forecast import (
    HISTORY_DAYS,
    budget_period,
    budget_status,
    complete_days,
    forecast_spend,
)

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)  # a Wednesday at noon
END = datetime(2026, 12, 1, tzinfo=UTC)
WEEK = (10.0, 12.0, 11.0, 13.0, 9.0, 2.0, 1.0)  # Monday to Sunday
moments = st.datetimes(datetime(2020, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def past(cost: Callable[[date], float], count: int = HISTORY_DAYS) -> list[tuple[date, float]]:
    """The last complete days before NOW, of a cost each."""
    days = [NOW.date() - number * DAY for number in range(count, 0, -1)]
    return [(day, cost(day)) for day in days]


@given(moments, st.sampled_from(["week", "month"]))
def test_a_budget_period_is_the_calendar_week_or_month_of_its_moment(at: datetime, period: BudgetPeriod) -> None:
    start, end = budget_period(period, at)
    assert start <= at < end
    assert budget_period(period, end)[0] == end
    days = 7 if period == "week" else calendar.monthrange(at.year, at.month)[1]
    assert (end - start).days == days
    assert start.weekday() == 0 if period == "week" else start.day == 1


def test_days_that_all_cost_the_same_forecast_themselves_without_a_doubt() -> None:
    found = forecast_spend(170.0, past(lambda _: 10.0), NOW, END, 1000)
    assert found is not None
    assert found.usd == pytest.approx(170 + 12.5 * 10)  # half of this Wednesday, and twelve days
    assert (found.low, found.high, found.runs_out_at) == (found.usd, found.usd, None)


def test_a_forecast_knows_weekdays() -> None:
    found = forecast_spend(0.0, past(lambda day: WEEK[day.weekday()]), NOW, END, 1000)
    left = [date(2026, 11, 19) + number * DAY for number in range(12)]
    assert found is not None
    assert found.usd == pytest.approx(WEEK[2] / 2 + sum(WEEK[day.weekday()] for day in left))


def test_a_forecast_of_less_than_two_weeks_knows_no_weekdays_and_of_less_than_one_there_is_none() -> None:
    found = forecast_spend(0.0, past(lambda day: WEEK[day.weekday()], 7), NOW, END, 1000)
    assert found is not None
    assert found.usd == pytest.approx(12.5 * sum(WEEK) / 7)
    assert forecast_spend(5.0, past(lambda _: 1.0, 6), NOW, END, 1000) is None


def test_a_budget_is_used_up_when_the_days_to_come_have_cost_what_is_left() -> None:
    found = forecast_spend(170.0, past(lambda _: 10.0), NOW, END, 200)
    assert found is not None
    assert found.runs_out_at == NOW + 3 * DAY


def test_days_without_a_call_cost_nothing_and_those_before_the_first_call_are_not_counted() -> None:
    first = NOW.date() - 10 * DAY
    days = complete_days({first: 4.0, first + 3 * DAY: 5.0, NOW.date(): 99.0}, NOW)
    assert days == [(first + number * DAY, 5.0 if number == 3 else 0.0) for number in range(1, 10)]
    older = complete_days({first - 40 * DAY: 1.0} | {first: 4.0}, NOW)
    assert (len(older), sum(cost for _, cost in older)) == (HISTORY_DAYS, 4.0)
    assert all(later - earlier == DAY for (earlier, _), (later, _) in pairwise(older))
    assert complete_days({}, NOW) == []


@pytest.mark.parametrize("together", [0.0, 0.5])
@pytest.mark.parametrize("count", [10, HISTORY_DAYS])
def test_the_interval_of_a_forecast_holds_nine_times_in_ten_at_least(together: float, count: int) -> None:
    dice, held, rounds = np.random.default_rng(5), 0, 400
    for _ in range(rounds):
        noise = np.zeros(count + 13)
        noise[0] = dice.normal() / np.sqrt(1 - together**2)
        for place in range(1, len(noise)):
            noise[place] = together * noise[place - 1] + dice.normal()
        days = [(NOW.date() + (place - count) * DAY, 50 + 5 * noise[place]) for place in range(len(noise))]
        found = forecast_spend(0.0, days[:count], NOW, END, 1e9)
        truth = days[count][1] / 2 + sum(cost for _, cost in days[count + 1 :])
        assert found is not None
        held += found.low <= truth <= found.high
    assert 0.90 <= held / rounds <= 0.995


@pytest.mark.parametrize(
    ("spent", "limit", "status"),
    [
        (200, 200, "exceeded"),
        (170, 240, "will_exceed"),
        (170, 297, "may_exceed"),
        (170, 400, "within"),
    ],
)
def test_a_budgets_status_goes_by_the_whole_interval(spent: float, limit: float, status: str) -> None:
    uneven = past(lambda day: 10.0 + 2 * (-1) ** (day.toordinal() // 7 + day.weekday()))
    assert budget_status(spent, limit, forecast_spend(spent, uneven, NOW, END, limit)) == status
    assert budget_status(spent, limit, None) == ("exceeded" if status == "exceeded" else "unknown")
