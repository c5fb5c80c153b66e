"""How far a budget is spent, and what its period will have cost when it is over.

The forecast is what is spent plus, for each day and part of a day that is left, the mean of the same weekday in the
last HISTORY_DAYS complete days (of all days, where fewer than two weeks are known). Its interval is the one of a
prediction: days scatter, their means are known as well as so few days tell, and a day that is dear is followed by one
that is, too (first autocorrelation of what the means leave over, as for an AR(1) series). It assumes that the days to
come are like those; a change of traffic of last week is only a part of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt

from controlsurface.config.budgets import BudgetPeriod
from controlsurface.metrics.statistics import student_quantile

HISTORY_DAYS, WEEKDAY_DAYS, MIN_DAYS = 28, 14, 7
MAX_AUTOCORRELATION = 0.9
_DAY = timedelta(days=1)

BudgetStatus = Literal["exceeded", "will_exceed", "may_exceed", "within", "unknown"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SpendForecast:
    """USD of the whole period with both ends at 95 %, and when the budget is used up at the days' means, if it is."""

    usd: float
    low: float
    high: float
    runs_out_at: datetime | None = None


def budget_period(period: BudgetPeriod, at: datetime) -> tuple[datetime, datetime]:
    """The calendar week or month (UTC) that a moment lies in.

    >>> [f"{edge:%Y-%m-%d}" for edge in budget_period("month", datetime(2026, 12, 31, 23, tzinfo=UTC))]
    ['2026-12-01', '2027-01-01']
    >>> [f"{edge:%Y-%m-%d}" for edge in budget_period("week", datetime(2027, 1, 1, tzinfo=UTC))]
    ['2026-12-28', '2027-01-04']
    """
    today = floor_to_day(at)
    if period == "week":
        monday = today - today.weekday() * _DAY
        return monday, monday + 7 * _DAY
    first = today.replace(day=1)
    return first, (first + 31 * _DAY).replace(day=1)


def floor_to_day(at: datetime) -> datetime:
    """Midnight (UTC) before a moment."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def complete_days(spent: Mapping[date, float], at: datetime) -> list[tuple[date, float]]:
    """The last complete days before `at` and their cost, from the day after the first that is known; none is left out.

    `spent` has the days with a cost, some of them before HISTORY_DAYS ago, if there were any.
    """
    today = floor_to_day(at).date()
    known = [day for day in spent if day < today]
    if not known:
        return []
    first = max(min(known) + _DAY, today - HISTORY_DAYS * _DAY)
    days = [first + number * _DAY for number in range((today - first).days)]
    return [(day, spent.get(day, 0.0)) for day in days]


def forecast_spend(
    spent: float, days: Sequence[tuple[date, float]], at: datetime, end: datetime, limit: float
) -> SpendForecast | None:
    """What the period that lasts until `end` will cost; None with fewer than MIN_DAYS complete days."""
    if len(days) < MIN_DAYS:
        return None
    left = _days_left(at, end)
    of_day, of_left = (_strata([each[0] for each in each_of], len(days)) for each_of in (days, left))
    costs, parts = np.array([cost for _, cost in days]), np.array([part for _, part in left])
    counts = np.bincount(of_day, minlength=7)
    means = np.bincount(of_day, costs, 7) / np.maximum(counts, 1)
    expected = parts * means[of_left]
    error = _prediction_error(costs - means[of_day], int((counts > 0).sum()), parts, of_left, counts)
    usd = spent + float(expected.sum())
    used_up_at = _used_up_at(spent, expected, left, at, limit)
    return SpendForecast(usd, max(spent, usd - error), usd + error, used_up_at)


def _days_left(at: datetime, end: datetime) -> list[tuple[date, float]]:
    """The days until `end`, and which part of each is still to come."""
    found, low = [], at
    while low < end:
        high = min(floor_to_day(low) + _DAY, end)
        found.append((low.date(), (high - low) / _DAY))
        low = high
    return found


def _strata(days: Sequence[date], known: int) -> npt.NDArray[np.int64]:
    """The weekday of each day, or one for all where too few days are known to tell weekdays apart."""
    return np.array([day.weekday() if known >= WEEKDAY_DAYS else 0 for day in days], dtype=np.int64)


def _prediction_error(
    residuals: Floats, means: int, parts: Floats, of_left: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
) -> float:
    """Half of the interval of a sum of days to come."""
    freedom = len(residuals) - means
    squares = float((residuals**2).sum())
    following = float((residuals[1:] * residuals[:-1]).sum()) / squares if squares else 0.0
    # What a fitted mean takes off it: Kendall 1954, Note on bias in the estimation of autocorrelation, Biometrika 41.
    alike = min(MAX_AUTOCORRELATION, max(0.0, following + (1 + 4 * following) / len(residuals)))
    # A sum of days of an AR(1) series varies so many times as much as one of independent days; so do means of days.
    wider = (1 + alike) / (1 - alike)
    weights = np.bincount(of_left, parts, 7)
    of_means = float((weights**2 / np.maximum(counts, 1)).sum())
    reach = student_quantile(np.array([max(2.0, freedom / wider)]))[0]
    return float(reach * np.sqrt(squares / freedom * wider * (float(parts.sum()) + of_means)))


def _used_up_at(
    spent: float, expected: Floats, left: Sequence[tuple[date, float]], at: datetime, limit: float
) -> datetime | None:
    """When the budget is used up if each day costs its mean; None where it lasts, or is used up already."""
    if spent >= limit:
        return None
    so_far, low = spent, at
    for (_, part), cost in zip(left, map(float, expected), strict=True):
        if so_far + cost >= limit:
            return low + part * _DAY * ((limit - so_far) / cost)
        so_far, low = so_far + cost, low + part * _DAY
    return None


def budget_status(spent: float, limit: float, forecast: SpendForecast | None) -> BudgetStatus:
    """Whether the budget holds: by the whole interval, not by its middle."""
    if spent >= limit:
        return "exceeded"
    if forecast is None:
        return "unknown"
    if forecast.low >= limit:
        return "will_exceed"
    return "may_exceed" if forecast.high >= limit else "within"
