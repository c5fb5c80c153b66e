"""All that a report of an incident says, asked of a reader: figures, course, what is different, what changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controlsurface.client import Client
from controlsurface.client.arrow_rows import as_dicts
from controlsurface.client.queries.contributor_result import ContributorResult, ContributorsQuery
from controlsurface.client.queries.event_list import EventsQuery
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.client.queries.request_list import RequestsArgs, RequestsQuery
from controlsurface.metrics.contributors.contributor_query import ContributorsArgs
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.metrics.queries.metric_query import MetricQueryArgs, find_metric

STEPS_S = (60, 300, 600, 1800, 3600, 7200, 14_400, 86_400)
MAX_COURSE_BUCKETS = 120  # of the course
MAX_SAMPLES = 10  # requests


@dataclass(frozen=True, slots=True)
class Incident:
    """Frozen answers; times are UTC. `against` says in words what the selection is held against."""

    metric: Metric
    asked: ContributorsArgs
    against: str
    found: ContributorResult
    course: Sequence[tuple[datetime, float | None]]
    events: Sequence[Mapping[str, Any]]
    samples: Sequence[Mapping[str, Any]]


def gather_incident(reader: Client, asked: ContributorsArgs, against: str) -> Incident:
    """Ask for everything between the baseline's first and the selection's last moment."""
    found = reader.run(ContributorsQuery(asked))
    start, end = min(asked.baseline_start, asked.start), max(asked.end, asked.baseline_end)
    course = reader.run(
        MetricQuery(
            MetricQueryArgs(metric=asked.metric, start=start, end=end, where=asked.where, every=_step(end - start))
        )
    )
    events = as_dicts(reader.run(EventsQuery(EventsArgs(start=start, end=end))).rows)
    return Incident(
        metric=find_metric(asked.metric),
        asked=asked,
        against=against,
        found=found,
        course=[(row["bucket"], row["value"]) for row in as_dicts(course.rows)],
        events=events,
        samples=as_dicts(reader.run(RequestsQuery(_samples(asked, found))).rows),
    )


def _samples(asked: ContributorsArgs, found: ContributorResult) -> RequestsArgs:
    """Requests of the selection, of the value that comes first where requests have that dimension."""
    first = next((row for row in as_dicts(found.rows) if row["dimension"] in SAMPLED_DIMENSIONS), None)
    more = (f"{first['dimension']}:{first['value'] or ''}",) if first and first["n"] else ()
    return RequestsArgs(start=asked.start, end=asked.end, where=(*asked.where, *more), limit=MAX_SAMPLES)


SAMPLED_DIMENSIONS = (
    "router_version",
    "task_type",
    "tenant",
    "team",
    "job",
    "answered_by",
    "reason",
    "provider",
    "environment",
)


def _step(length: timedelta) -> timedelta:
    """The shortest step that gives at most BUCKETS buckets."""
    seconds = next((s for s in STEPS_S if length.total_seconds() / s <= MAX_COURSE_BUCKETS), STEPS_S[-1])
    return timedelta(seconds=seconds)
