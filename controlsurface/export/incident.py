"""All that a report of an incident says, asked of a reader: figures, course, what is different, what changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controlsurface.metrics.contributors import ContributorsArgs
from controlsurface.metrics.events import EventsArgs
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.query import QueryArgs, find
from controlsurface.reader import Reader
from controlsurface.reader.contributors import Contributors, ContributorsQuery
from controlsurface.reader.events import EventsQuery
from controlsurface.reader.figures import MetricQuery
from controlsurface.reader.listing import RequestsArgs, RequestsQuery
from controlsurface.reader.rows import records

STEPS_S = (60, 300, 600, 1800, 3600, 7200, 14_400, 86_400)
BUCKETS = 120  # of the course
SAMPLES = 10  # requests


@dataclass(frozen=True, slots=True)
class Incident:
    """Frozen answers; times are UTC. `against` says in words what the selection is held against."""

    metric: Metric
    asked: ContributorsArgs
    against: str
    found: Contributors
    course: Sequence[tuple[datetime, float | None]]
    events: Sequence[Mapping[str, Any]]
    samples: Sequence[Mapping[str, Any]]


def gather(reader: Reader, asked: ContributorsArgs, against: str) -> Incident:
    """Ask for everything between the baseline's first and the selection's last moment."""
    found = reader.ask(ContributorsQuery(asked))
    start, end = min(asked.baseline_start, asked.start), max(asked.end, asked.baseline_end)
    course = reader.ask(
        MetricQuery(QueryArgs(metric=asked.metric, start=start, end=end, where=asked.where, every=_step(end - start)))
    )
    events = records(reader.ask(EventsQuery(EventsArgs(start=start, end=end))).rows)
    return Incident(
        metric=find(asked.metric),
        asked=asked,
        against=against,
        found=found,
        course=[(row["bucket"], row["value"]) for row in records(course.rows)],
        events=events,
        samples=records(reader.ask(RequestsQuery(_samples(asked, found))).rows),
    )


def _samples(asked: ContributorsArgs, found: Contributors) -> RequestsArgs:
    """Requests of the selection, of the value that comes first where requests have that dimension."""
    first = next((row for row in records(found.rows) if row["dimension"] in SAMPLED), None)
    more = (f"{first['dimension']}:{first['value'] or ''}",) if first and first["n"] else ()
    return RequestsArgs(start=asked.start, end=asked.end, where=(*asked.where, *more), limit=SAMPLES)


SAMPLED = ("router_version", "task_type", "tenant", "team", "job", "answered_by", "reason", "provider", "environment")


def _step(length: timedelta) -> timedelta:
    """The shortest step that gives at most BUCKETS buckets."""
    seconds = next((s for s in STEPS_S if length.total_seconds() / s <= BUCKETS), STEPS_S[-1])
    return timedelta(seconds=seconds)
