"""A report of an incident as one HTML file: no script, nothing from outside, every value escaped, fit to be printed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from controlsurface import __version__
from controlsurface.client.queries.contributor_result import unexplained_change
from controlsurface.export.incident_data import Incident
from controlsurface.formatting import format_confidence, format_difference, format_duration, format_value
from controlsurface.html_templates import template_beside

CHART_WIDTH_PX, CHART_HEIGHT_PX, CHART_HEAD_PX = 900, 220, 16
BAR_WIDTH_PX = 160
MAX_CONTRIBUTORS = 15  # top contributors
SAMPLE_COLUMNS = (
    "started_at",
    "lane",
    "task_type",
    "tenant",
    "answered_by",
    "reason",
    "confidence",
    "duration_ms",
    "request_id",
)


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
