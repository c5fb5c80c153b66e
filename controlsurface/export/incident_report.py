"""An incident as one HTML file to print: figures, course, contributors, changes; no script, every value escaped."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controlsurface import __version__
from controlsurface.client import Client
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.contributor_result import ContributorResult, ContributorsQuery, unexplained_change
from controlsurface.client.queries.event_list import EventsQuery
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.client.queries.request_list import RequestsArgs, RequestsQuery
from controlsurface.formatting import format_confidence, format_difference, format_duration, format_value
from controlsurface.html_templates import template_beside
from controlsurface.metrics.contributors.contributor_query import ContributorsArgs
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.metrics.queries.metric_query import MetricArgs, find_metric

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
    series = MetricArgs(metric=asked.metric, start=start, end=end, where=asked.where, every=_step(end - start))
    course = [(row["bucket"], row["value"]) for row in as_dicts(reader.run(MetricQuery(series)).rows)]
    events = as_dicts(reader.run(EventsQuery(EventsArgs(start=start, end=end))).rows)
    samples = as_dicts(reader.run(RequestsQuery(_samples(asked, found))).rows)
    return Incident(find_metric(asked.metric), asked, against, found, course, events, samples)


def _samples(asked: ContributorsArgs, found: ContributorResult) -> RequestsArgs:
    """Requests of the selection, of the value that comes first where requests have that dimension."""
    first = next((row for row in as_dicts(found.rows) if row["dimension"] in SAMPLED_DIMENSIONS), None)
    more = (f"{first['dimension']}:{first['value'] or ''}",) if first and first["n"] else ()
    return RequestsArgs(start=asked.start, end=asked.end, where=(*asked.where, *more), limit=MAX_SAMPLES)


SAMPLED_DIMENSIONS = "router_version task_type tenant team job answered_by reason provider environment".split()


def _step(length: timedelta) -> timedelta:
    """The shortest step that gives at most BUCKETS buckets."""
    seconds = next((s for s in STEPS_S if length.total_seconds() / s <= MAX_COURSE_BUCKETS), STEPS_S[-1])
    return timedelta(seconds=seconds)


CHART_WIDTH_PX, CHART_HEIGHT_PX, CHART_HEAD_PX = 900, 220, 16
BAR_WIDTH_PX = 160
MAX_CONTRIBUTORS = 15  # top contributors
SAMPLE_COLUMNS = "started_at lane task_type tenant answered_by reason confidence duration_ms request_id".split()


def render_incident_report(incident: Incident, link: str = "") -> str:
    """The whole document; `link` is the address of the live view, if there is one."""
    asked, found = incident.asked, incident.found
    causes = found.causes[:MAX_CONTRIBUTORS]
    return template_beside(__file__, figure=format_value, difference=format_difference, cell=_cell).render(
        incident=incident,
        found=found,
        unit=found.unit,
        title=f"{incident.metric.title}, {_window(asked.start, asked.end)}",
        before=f"{_window(asked.baseline_start, asked.baseline_end)}{_filters(asked.where)}",
        course=_course(incident),
        width=CHART_WIDTH_PX,
        height=CHART_HEIGHT_PX,
        bar_width=BAR_WIDTH_PX,
        causes=causes,
        largest=max((abs(row["delta"]) for row in causes), default=0) or 1,
        rest=unexplained_change(causes, found.delta),
        columns=SAMPLE_COLUMNS,
        version=__version__,
        link=link,
    )


def _course(incident: Incident) -> Mapping[str, Any] | None:
    """The metric over time as points of a line; where the selection lies, and events."""
    known = [(at, value) for at, value in incident.course if value is not None]
    if len(known) < 2:
        return None
    first, last = known[0][0], max(known[-1][0], incident.asked.end)
    top = max(value for _, value in known) or 1
    span = (last - first).total_seconds()

    def x(at: datetime) -> float:
        return round(min(max((at - first).total_seconds() / span, 0), 1) * CHART_WIDTH_PX, 1)

    return {
        "points": " ".join(
            f"{x(at)},{CHART_HEIGHT_PX - value / top * (CHART_HEIGHT_PX - CHART_HEAD_PX):.1f}" for at, value in known
        ),
        "top": top,
        "start": x(incident.asked.start),
        "end": x(incident.asked.end),
        "marks": [(x(event["at"]), event["title"]) for event in incident.events],
        "period": f"{first:%b %d %H:%M} to {last:%b %d %H:%M} UTC",
    }


def _cell(value: object, name: str) -> object:
    """A value of a column as text."""
    if isinstance(value, datetime):
        return f"{value:%b %d %H:%M:%S}"
    if isinstance(value, float):
        return format_duration(value) if name == "duration_ms" else format_confidence(value)
    return value


def _filters(where: Iterable[str]) -> str:
    kept = ", ".join(where)
    return f"; only {kept}" if kept else ""


def _window(start: datetime, end: datetime) -> str:
    form = "%H:%M" if start.date() == end.date() else "%b %d %H:%M"
    return f"{start:%Y %b %d %H:%M} to {end:{form}} UTC"
