"""What changed around the router: as people and pipelines tell it, and as the requests themselves show it."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from controlsurface.metrics.rollups.measure_source import MeasureRequest, ReadPlan, select_measures, stored_rows_plan
from controlsurface.metrics.rollups.rollup_catalog import LONG_STEP, SIGHTING_COLUMNS
from controlsurface.query.arguments import Arguments, ArgumentText, FilteredRange, Instant, TimeRange
from controlsurface.query.statement import Statement, row_limit
from controlsurface.store.named_query import StateSql

EventKind = Literal["deploy", "model", "price", "config", "other"]

LOOK_BACK = timedelta(days=7)  # what was not seen for so long is seen first
MAX_NAMES = 200  # models, versions, routers, purposes and task types that are looked at, of each those of most requests
LEFT_OUT = b"left_out"  # in the metadata of the rows: how many names were not

_LEFT_OUT = "(left out)"  # the source of the row that says so

_FOUND_EVENTS_SQL = Path(__file__).with_suffix(".sql").read_text("utf-8").rstrip("\n")
_INSERT_EVENT_SQL = (
    'INSERT INTO events ("at", kind, title, detail, source) VALUES ($at, $kind, $title, $detail, $source)'
)


class EventsArgs(TimeRange):
    """A window."""

    start: Instant = Field(description="first moment, RFC 3339 or relative (-24h)")
    end: Instant = Field(description="moment after the last")


class ChangeEvent(Arguments):
    """A change, as it is told."""

    at: Instant = Field(strict=True, description="when it took effect, RFC 3339 or relative (-5m)")
    kind: EventKind = Field(description="what was changed")
    title: ArgumentText = Field(min_length=1, description="a few words: what a chart shows")
    detail: ArgumentText | None = Field(None, description="a sentence more")
    source: ArgumentText = Field("api", min_length=1, description="who says so")


def measures_of_sightings(args: EventsArgs) -> MeasureRequest:
    """When each version, model, router and threshold was seen, hour by hour, in the window and the week before."""
    window = FilteredRange(start=args.start - LOOK_BACK, end=args.end)
    dimensions = ("router_version", "answered_by", "router", "task_type", "threshold")
    return MeasureRequest("requests", SIGHTING_COLUMNS, window, dimensions, LONG_STEP)


def measures_of_calls(args: EventsArgs) -> MeasureRequest:
    """When each model was called, and for what: in a cascade the one that answers is not the first."""
    window = FilteredRange(start=args.start - LOOK_BACK, end=args.end)
    return MeasureRequest("attempts", SIGHTING_COLUMNS, window, ("model", "purpose"), LONG_STEP)


def render_events(args: EventsArgs, plan: ReadPlan | None = None, plan_of_calls: ReadPlan | None = None) -> Statement:
    """The statement whose rows are at, kind, title, detail, source, in order of time.

    Found in the requests: a router, router version or model that is first or last seen (not in the week before, not
    since), a model as soon as it was called; calls for another purpose than the user's, such as compaction; a version
    or model whose share of the answered requests rises by more than 0.3 or 0.2; the threshold that a task type's
    confidences are held against, where it moves and stays. Found in the prices: one that follows another. The last row
    may say how many names are not looked at; `without_left_out` takes it away.
    """
    reads = measures_of_sightings(args)
    rows, parameters = select_measures(reads, plan or stored_rows_plan(reads.window))
    calls, more = _calls(measures_of_calls(args), plan_of_calls)
    bounds = {"since": args.start, "until": args.end}
    sql = _FOUND_EVENTS_SQL.format(rows=rows, calls=calls, left_out=_LEFT_OUT)
    return Statement(sql, parameters | more | bounds | {"most_names": MAX_NAMES} | row_limit(), "events.list")


def without_left_out(rows: pa.Table) -> pa.Table:
    """The events alone; how many names were not looked at is in their metadata."""
    mine = pc.field("source") == _LEFT_OUT
    said = rows.filter(mine)["title"].to_pylist()
    return rows.filter(~mine).replace_schema_metadata({LEFT_OUT: str(said[0] if said else 0)})


def _calls(reads: MeasureRequest, plan: ReadPlan | None) -> tuple[str, dict[str, Any]]:
    """The rows of calls; where their plan cuts the window has names of its own."""
    rows, parameters = select_measures(reads, plan or stored_rows_plan(reads.window))
    return rows.replace("$cut_", "$calls_cut_"), {_own(name): value for name, value in parameters.items()}


def _own(name: str) -> str:
    return f"calls_{name}" if name.startswith("cut_") else name


def insert_event(event: ChangeEvent) -> StateSql:
    """The statement that keeps an event."""
    return _INSERT_EVENT_SQL, event.model_dump() | {"at": event.at}
