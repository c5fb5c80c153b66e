"""What the requests say about an alert: before and after, what is different, what changed nearby, and the course."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from controlsurface.alerting.episodes import Episode, Facts
from controlsurface.errors import ControlSurfaceError
from controlsurface.metrics.contributors import ContributorsArgs
from controlsurface.metrics.events import EventsArgs
from controlsurface.metrics.query import QueryArgs
from controlsurface.reader import Reader
from controlsurface.reader.contributors import ContributorsQuery, unexplained
from controlsurface.reader.events import EventsQuery
from controlsurface.reader.figures import MetricQuery

DAY = timedelta(days=1)
NEARBY = timedelta(hours=2)  # between an onset and a change that may have caused it
SHORTEST = timedelta(minutes=15)  # of a window that is looked at
TOP = 5  # contributors listed
POINTS = 48  # of the course
STEPS = [timedelta(minutes=m) for m in (5, 10, 30, 60, 120, 240, 1440)]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Window:
    """What is looked at, [start, end), and what it is held against: the day (or as long) before it."""

    start: datetime
    end: datetime

    @property
    def baseline_start(self) -> datetime:
        """The first moment of the baseline, which ends where the window starts."""
        return self.start - max(DAY, self.end - self.start)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found; `missing` says for each part that could not be found why."""

    window: Window
    before: float | None = None
    after: float | None = None
    n: int | None = None
    contributors: Sequence[Mapping[str, Any]] = ()
    unit: str = ""  # of the contributors: that of a share where the metric is a quantile
    unexplained: Mapping[str, float] = field(default_factory=dict)  # by dimension, what the contributors leave
    event: Mapping[str, Any] | None = None
    course: Sequence[float | None] = ()
    missing: Mapping[str, str] = field(default_factory=dict)


def window(episode: Episode, now: datetime) -> Window:
    """From the onset to the end of an episode, and never shorter than what its rule looks at."""
    end = episode.ends_at or now
    length = max(SHORTEST, timedelta(seconds=episode.facts.over_s or 0))
    start = min(episode.facts.onset or episode.starts_at, episode.starts_at - length)
    return Window(max(start, end - 7 * DAY), end)


def gather(reader: Reader, episode: Episode, now: datetime) -> Evidence:
    """Ask for everything; a question that fails costs only its own part."""
    about, facts = window(episode, now), episode.facts
    missing: dict[str, str] = {}
    event = _tried("event", missing, lambda: _event(reader, facts.onset or episode.starts_at))
    if metric_of(facts) is None:
        return Evidence(about, event=event, missing=missing)
    found = _tried("contributors", missing, lambda: reader.ask(ContributorsQuery(_asked(facts, about))))
    rows = [row for row in found.rows.to_pylist() if row["same_as"] is None][:TOP] if found else []
    whole = found if found and found.compared is None else None
    before = whole.before if whole else _tried("before", missing, lambda: _value(reader, facts, about))
    course = _tried("sparkline", missing, lambda: _course(reader, facts, about))
    return Evidence(
        about,
        before=before,
        after=whole.after if whole else None,
        n=found.n if found else None,
        contributors=rows,
        unexplained=unexplained(rows, found.delta) if found else {},
        unit=found.unit if found else "",
        event=event,
        course=course or (),
        missing=missing,
    )


def metric_of(facts: Facts) -> str | None:
    """The metric that is explained: the rule's, or what a rule without one is about; None: there is none."""
    return facts.metric or facts.contributors_of


def _tried(part: str, missing: dict[str, str], ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except ControlSurfaceError as problem:
        missing[part] = str(problem)
        return None


def _asked(facts: Facts, about: Window) -> ContributorsArgs:
    return ContributorsArgs(
        metric=metric_of(facts) or "",
        start=about.start,
        end=about.end,
        baseline_start=about.baseline_start,
        baseline_end=about.start,
        where=facts.where,
    )


def _value(reader: Reader, facts: Facts, about: Window) -> float | None:
    """The metric in the baseline, where it cannot be split into contributions."""
    args = QueryArgs(metric=metric_of(facts) or "", start=about.baseline_start, end=about.start, where=facts.where)
    rows = reader.ask(MetricQuery(args)).rows.to_pylist()
    return rows[0]["value"] if rows else None


def _event(reader: Reader, onset: datetime) -> Mapping[str, Any] | None:
    """The change nearest to the onset."""
    found = reader.ask(EventsQuery(EventsArgs(start=onset - NEARBY, end=onset + NEARBY))).rows.to_pylist()
    return min(found, key=lambda each: abs(each["at"] - onset), default=None)


def _course(reader: Reader, facts: Facts, about: Window) -> list[float | None]:
    """The metric from the baseline to the end, in at most POINTS buckets; an empty bucket is None."""
    length = about.end - about.baseline_start
    step = next((each for each in STEPS if length / each <= POINTS), STEPS[-1])
    args = QueryArgs(
        metric=metric_of(facts) or "", start=about.baseline_start, end=about.end, where=facts.where, every=step
    )
    found = {row["bucket"]: row["value"] for row in reader.ask(MetricQuery(args)).rows.to_pylist()}
    if not found:
        return []
    first = min(found)
    return [found.get(first + i * step) for i in range(int((max(found) - first) / step) + 1)]
