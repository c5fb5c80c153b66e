"""The time range and filters of all pages: which moments and rows a page shows, and how an address spells them."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from controlsurface import charts
from controlsurface.charts.time_series import BUCKET_ORIGIN
from controlsurface.query.arguments import parse_instant

UNKNOWN_VALUE_LABEL = "(unknown)"  # how a filter names rows whose value nobody said
ZOOM_PARAMETER = "zoom"
ZONE_PARAMETER = "tz"  # of the times that a page writes: UTC, or the visitor's
TIME_PARAMETERS = ("range", "from", "to", ZOOM_PARAMETER)  # parts of an address that say when
FILTER_LABELS = {
    "task_type": "Task type",
    "lane": "Lane",
    "answered_by": "Model",
    "tenant": "Tenant",
    "router_version": "Router version",
    "environment": "Environment",
}

MINUTE = timedelta(minutes=1)


def format_url_time(at: datetime) -> str:
    """`2026-01-31T12:05`; with seconds where there are any, `2026-01-31T12:05:30Z`."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%SZ}" if utc.second else f"{utc:%Y-%m-%dT%H:%M}"


def url_minutes(start: datetime, end: datetime) -> tuple[str, str]:
    """The whole minutes around a window, as an address has them."""
    end = floor_to_step(end + MINUTE - timedelta(microseconds=1), MINUTE)
    return format_url_time(floor_to_step(start, MINUTE)), format_url_time(end)


def parse_url_time(text: str) -> datetime | None:
    """The moment that an address names; None for none, for nonsense, and for times that no router has seen."""
    try:
        found = parse_instant(f"{text}:00Z" if len(text) == 16 else text)
    except ValueError:
        return None
    return found if isinstance(found, datetime) and 1970 < found.year < 9000 else None


# how often a window moves, and one of days
REFRESH_INTERVAL, SLOW_REFRESH_INTERVAL = timedelta(seconds=10), timedelta(minutes=1)
SLOW_REFRESH_MIN_LENGTH, WEEK = timedelta(days=2), timedelta(days=7)
TIME_RANGES = {
    "1h": (timedelta(hours=1), timedelta(seconds=20)),
    "6h": (timedelta(hours=6), timedelta(minutes=2)),
    "24h": (timedelta(hours=24), timedelta(minutes=10)),
    "3d": (timedelta(days=3), timedelta(minutes=30)),
    "7d": (timedelta(days=7), timedelta(hours=1)),
    "28d": (timedelta(days=28), timedelta(hours=4)),
}
BUCKET_STEPS = [
    timedelta(seconds=s) for s in (1, 5, 20, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 28_800, 86_400, 604_800)
]
MAX_BUCKETS = 180  # of one series: more would be finer than a screen
MIN_POINTS = 24  # points that still are a course
STEADY_POINT_ROWS = 100  # rows on which a point of a line does not jump by chance
MIN_SHARE_ROWS = 30  # rows under which a share says more about chance than about the router


@dataclass(frozen=True, slots=True)
class DashboardView:
    """A window [start, end) in UTC, in buckets of `step`, and the filters as `dimension:value`."""

    start: datetime
    end: datetime
    step: timedelta
    where: tuple[str, ...] = ()

    @property
    def span(self) -> charts.TimeSpan:
        """The time axis of this view's charts."""
        return charts.TimeSpan(self.start, self.end, self.step)

    @property
    def asked(self) -> dict[str, Any]:
        """The window and filters as arguments of a question."""
        return {"start": self.start, "end": self.end, "where": self.where}

    @property
    def refresh(self) -> timedelta:
        """How long an answer about it holds: seconds are nothing in a window of days, and cost as much to ask."""
        return _refresh_interval(self.end - self.start)

    @property
    def week_before(self) -> "DashboardView":
        """The same hours of the same weekdays, one week earlier."""
        return replace(self, start=self.start - WEEK, end=self.end - WEEK)

    def widened(self, step: timedelta) -> "DashboardView":
        """This view with its edges moved out to whole steps: what is asked about it stays the same for as long."""
        return replace(self, start=floor_to_step(self.start, step), end=floor_to_step(self.end, step) + step)

    def coarsened_for(self, rows: int) -> "DashboardView":
        """This view in longer steps: a point of `rows` rests on STEADY_POINT_ROWS on average; MIN_POINTS stay."""
        steps = [step for step in BUCKET_STEPS if step >= self.step and (self.end - self.start) / step >= MIN_POINTS]
        enough = (step for step in steps if rows * (step / (self.end - self.start)) >= STEADY_POINT_ROWS)
        return replace(self, step=next(enough, steps[-1] if steps else self.step))

    def only(self, dimension: str, *values: str | None) -> "DashboardView":
        """This view, of rows with one of these values; None is unknown."""
        return replace(self, where=(*self.where, *(f"{dimension}:{value or ''}" for value in values)))


def relative_view(name: str, now: datetime, where: tuple[str, ...] = ()) -> DashboardView:
    """The last `name` (of RANGES) until the next full refresh: sessions ask the same, and share answers."""
    length, step = TIME_RANGES[name]
    refresh = _refresh_interval(length)
    end = floor_to_step(now, refresh) + refresh
    return DashboardView(floor_to_step(end - length, step), end, step, where)


def _refresh_interval(length: timedelta) -> timedelta:
    return SLOW_REFRESH_INTERVAL if length >= SLOW_REFRESH_MIN_LENGTH else REFRESH_INTERVAL


def absolute_view(one: datetime, other: datetime, where: tuple[str, ...] = ()) -> DashboardView:
    """From the earlier to the later of two moments, and a minute at least."""
    start, end = sorted((one, other))
    end = max(end, start + timedelta(minutes=1))
    step = next((step for step in BUCKET_STEPS if (end - start) / step <= MAX_BUCKETS), BUCKET_STEPS[-1])
    return DashboardView(start, end, step, where)


def floor_to_step(at: datetime, step: timedelta) -> datetime:
    """`at` without what is over a whole number of steps."""
    return at - (at - BUCKET_ORIGIN) % step
