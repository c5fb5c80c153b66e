"""What the requests say about an alert: before and after, what is different, what changed nearby, and the course."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from controlsurface.alerting.model import AlertSnapshot, Episode
from controlsurface.client import Client
from controlsurface.client.queries.contributor_result import ContributorsQuery, unexplained_change
from controlsurface.client.queries.event_list import EventsQuery
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.errors import ControlSurfaceError
from controlsurface.metrics.contributors.contributor_query import ContributorsArgs
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.metrics.queries.metric_query import MetricArgs

ONE_DAY = timedelta(days=1)
MAX_EVENT_DISTANCE = timedelta(hours=2)  # between an onset and a change that may have caused it
MIN_WINDOW = timedelta(minutes=15)  # of a window that is looked at
MAX_CONTRIBUTORS = 5  # contributors listed
MAX_COURSE_POINTS = 48  # of the course
COURSE_STEPS = [timedelta(minutes=m) for m in (5, 10, 30, 60, 120, 240, 1440)]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EvidenceWindow:
    """What is looked at, [start, end), and what it is held against: the day (or as long) before it."""

    start: datetime
    end: datetime

    @property
    def baseline_start(self) -> datetime:
        """The first moment of the baseline, which ends where the window starts."""
        return self.start - max(ONE_DAY, self.end - self.start)


@dataclass(frozen=True, slots=True)
class AlertEvidence:
    """What was found; `missing` says for each part that could not be found why."""

    window: EvidenceWindow
    before: float | None = None
    after: float | None = None
    n: int | None = None
    contributors: Sequence[Mapping[str, Any]] = ()
    unit: str = ""  # of the contributors: that of a share where the metric is a quantile
    unexplained: Mapping[str, float] = field(default_factory=dict)  # by dimension, what the contributors leave
    event: Mapping[str, Any] | None = None
    course: Sequence[float | None] = ()
    missing: Mapping[str, str] = field(default_factory=dict)


def evidence_window(episode: Episode, now: datetime) -> EvidenceWindow:
    """From the onset to the end of an episode, and never shorter than what its rule looks at."""
    end = episode.ends_at or now
    length = max(MIN_WINDOW, timedelta(seconds=episode.facts.over_s or 0))
    start = min(episode.facts.onset or episode.starts_at, episode.starts_at - length)
    return EvidenceWindow(max(start, end - 7 * ONE_DAY), end)


def gather_evidence(reader: Client, episode: Episode, now: datetime) -> AlertEvidence:
    """Ask for everything; a question that fails costs only its own part."""
    about, facts = evidence_window(episode, now), episode.facts
    missing: dict[str, str] = {}
    event = _part_or_missing("event", missing, lambda: _nearest_event(reader, facts.onset or episode.starts_at))
    if explained_metric(facts) is None:
        return AlertEvidence(about, event=event, missing=missing)
    found = _part_or_missing(
        "contributors", missing, lambda: reader.run(ContributorsQuery(_contributors_arguments(facts, about)))
    )
    rows = [row for row in found.rows.to_pylist() if row["same_as"] is None][:MAX_CONTRIBUTORS] if found else []
    whole = found if found and found.compared is None else None
    before = (
        whole.before if whole else _part_or_missing("before", missing, lambda: _baseline_value(reader, facts, about))
    )
    course = _part_or_missing("sparkline", missing, lambda: _metric_course(reader, facts, about))
    return AlertEvidence(
        about,
        before=before,
        after=whole.after if whole else None,
        n=found.n if found else None,
        contributors=rows,
        unexplained=unexplained_change(rows, found.delta) if found else {},
        unit=found.unit if found else "",
        event=event,
        course=course or (),
        missing=missing,
    )


def explained_metric(facts: AlertSnapshot) -> str | None:
    """The metric that is explained: the rule's, or what a rule without one is about; None: there is none."""
    return facts.metric or facts.contributors_of


def _part_or_missing(part: str, missing: dict[str, str], ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except ControlSurfaceError as problem:
        missing[part] = str(problem)
        return None


def _contributors_arguments(facts: AlertSnapshot, about: EvidenceWindow) -> ContributorsArgs:
    return ContributorsArgs(
        metric=explained_metric(facts) or "",
        start=about.start,
        end=about.end,
        baseline_start=about.baseline_start,
        baseline_end=about.start,
        where=facts.where,
    )


def _metric_rows(
    reader: Client, facts: AlertSnapshot, start: datetime, end: datetime, every: timedelta | None = None
) -> list[dict[str, Any]]:
    """The metric that is explained, in a window."""
    args = MetricArgs(metric=explained_metric(facts) or "", start=start, end=end, where=facts.where, every=every)
    return reader.run(MetricQuery(args)).rows.to_pylist()


def _baseline_value(reader: Client, facts: AlertSnapshot, about: EvidenceWindow) -> float | None:
    """The metric in the baseline, where it cannot be split into contributions."""
    rows = _metric_rows(reader, facts, about.baseline_start, about.start)
    return rows[0]["value"] if rows else None


def _nearest_event(reader: Client, onset: datetime) -> Mapping[str, Any] | None:
    """The change nearest to the onset."""
    args = EventsArgs(start=onset - MAX_EVENT_DISTANCE, end=onset + MAX_EVENT_DISTANCE)
    return min(reader.run(EventsQuery(args)).rows.to_pylist(), key=lambda each: abs(each["at"] - onset), default=None)


def _metric_course(reader: Client, facts: AlertSnapshot, about: EvidenceWindow) -> list[float | None]:
    """The metric from the baseline to the end, in at most POINTS buckets; an empty bucket is None."""
    length = about.end - about.baseline_start
    step = next((each for each in COURSE_STEPS if length / each <= MAX_COURSE_POINTS), COURSE_STEPS[-1])
    rows = _metric_rows(reader, facts, about.baseline_start, about.end, step)
    found = {row["bucket"]: row["value"] for row in rows}
    if not found:
        return []
    first = min(found)
    return [found.get(first + i * step) for i in range(int((max(found) - first) / step) + 1)]
