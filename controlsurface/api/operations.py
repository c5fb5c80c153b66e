"""The questions that the API answers: address, arguments, answer, and the answer's shape for the OpenAPI document."""

from dataclasses import asdict
from typing import Any

from pydantic import Field

from controlsurface.api import (
    advice,
    alerting_silences,
    alerts,
    audits,
    cardinality,
    coverage,
    desk,
    exports,
    extent,
    policy,
    rederive,
    retention,
    several,
    shapes,
    usage_ledger,
)
from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.metrics.arguments import Arguments
from controlsurface.metrics.contributors import ContributorsArgs
from controlsurface.metrics.events import LEFT_OUT, EventsArgs
from controlsurface.metrics.histogram import DistributionArgs
from controlsurface.metrics.query import QueryArgs
from controlsurface.metrics.times import Instant
from controlsurface.metrics.values import DimensionArgs
from controlsurface.money.attribution import AttributionArgs
from controlsurface.reader import Reader
from controlsurface.reader.assumed import AssumedLanes, NoneAsked
from controlsurface.reader.listing import RequestsArgs


class Nothing(Arguments):
    """No arguments."""


class Near(Arguments):
    """A hint in time."""

    near: Instant | None = Field(None, description="a time near the start, RFC 3339: makes the look-up fast")


def metrics(reader: Reader, _: Nothing, __: Path) -> Any:
    """The catalogue."""
    return [
        {"name" if name == "id" else name: text for name, text in asdict(each).items()} for each in reader.metrics()
    ]


def query(reader: Reader, args: QueryArgs, _: Path) -> Tabular:
    """One metric."""
    answer = reader.query(args)
    names = ("metric", "unit", "source", "sql", "parameters", "elapsed_ms")
    return Tabular("rows", answer.rows, {name: getattr(answer, name) for name in names})


def distribution(reader: Reader, args: DistributionArgs, _: Path) -> Tabular:
    """Bins."""
    return Tabular("bins", reader.distribution(args), {"column": args.column})


def dimensions(reader: Reader, args: DimensionArgs, _: Path) -> Tabular:
    """Values of dimensions."""
    return Tabular("values", reader.dimensions(args))


def attribution(reader: Reader, args: AttributionArgs, _: Path) -> Tabular:
    """A week's calls."""
    facts = {"week": args.week, "start": args.window.start, "end": args.window.end}
    return Tabular("rows", reader.attribution(args), facts)


def contributors(reader: Reader, args: ContributorsArgs, _: Path) -> Tabular:
    """What is different."""
    answer = reader.contributors(args)
    return Tabular("rows", answer.rows, answer.facts)


def events(reader: Reader, args: EventsArgs, _: Path) -> Tabular:
    """Changes."""
    rows = reader.events(args)
    return Tabular("events", rows, {"left_out": int((rows.schema.metadata or {}).get(LEFT_OUT, 0))})


def requests(reader: Reader, args: RequestsArgs, _: Path) -> Tabular:
    """A page of requests."""
    page = reader.requests(args)
    return Tabular("rows", page.rows, {"next": page.next})


def request(reader: Reader, args: Near, path: Path) -> Tabular:
    """One request."""
    return Tabular("request", reader.request(path["request_id"], args.near).as_table(), single=True)


def trace(reader: Reader, args: Near, path: Path) -> Any:
    """One trace."""
    return reader.trace(path["trace_id"], args.near)


def ingest(reader: Reader, _: Nothing, __: Path) -> Any:
    """What was received."""
    return asdict(reader.ingest())


def unrecognised(reader: Reader, _: Nothing, __: Path) -> Tabular:
    """Attributes that nothing reads."""
    return Tabular("attributes", reader.unrecognised())


def dropped(reader: Reader, _: Nothing, __: Path) -> Tabular:
    """Keys under which content was not stored."""
    return Tabular("attributes", reader.dropped())


def sources(reader: Reader, _: Nothing, __: Path) -> Tabular:
    """Who sends."""
    return Tabular("sources", reader.sources())


def lanes(reader: Reader, _: Nothing, __: Path) -> Tabular:
    """The lanes in force."""
    return Tabular("lanes", reader.lanes())


def assumed_lanes(reader: Reader, args: NoneAsked, _: Path) -> Tabular:
    """The lanes in force that nobody named."""
    return Tabular("models", reader.ask(AssumedLanes(args)).rows)


OPERATIONS = (
    Operation("/api/v1/metrics", "The catalogue of metrics", Nothing, metrics, shapes.METRICS, arrow=False),
    Operation("/api/v1/query", "One metric over a window, by dimensions and time step", QueryArgs, query, shapes.QUERY),
    Operation("/api/v1/distribution", "A column's values in bins", DistributionArgs, distribution, shapes.BINS),
    Operation(
        "/api/v1/dimensions", "Values of dimensions, most frequent first", DimensionArgs, dimensions, shapes.VALUES
    ),
    Operation(
        "/api/v1/attribution",
        "Requests and calls of one week and what they cost",
        AttributionArgs,
        attribution,
        shapes.ATTRIBUTION,
    ),
    Operation(
        "/api/v1/contributors",
        "What is different between a selection and a baseline: values that explain a metric's change, ranked",
        ContributorsArgs,
        contributors,
        shapes.CONTRIBUTORS,
    ),
    Operation("/api/v1/events", "Changes, told and found in the requests", EventsArgs, events, shapes.EVENTS),
    Operation("/api/v1/lanes", "The lanes in force, cheap to dear", Nothing, lanes, shapes.LANES),
    Operation(
        "/api/v1/lanes/assumed",
        "Lanes that models are assumed to be in, by list price, because the configuration names none",
        NoneAsked,
        assumed_lanes,
        shapes.ASSUMED,
    ),
    Operation("/api/v1/requests", "Single requests, a page at a time", RequestsArgs, requests, shapes.PAGE),
    Operation("/api/v1/requests/{request_id:path}", "One request with its attempts", Near, request, shapes.DETAIL),
    Operation(
        "/api/v1/traces/{trace_id:path}", "All spans of a trace, as OTLP/JSON", Near, trace, shapes.TRACE, arrow=False
    ),
    Operation(
        "/api/v1/ingest", "What was received and how far it is stored", Nothing, ingest, shapes.INGEST, arrow=False
    ),
    Operation("/api/v1/unrecognised", "Attributes that no vocabulary reads", Nothing, unrecognised, shapes.ATTRIBUTES),
    Operation("/api/v1/dropped", "Attributes whose content was not stored", Nothing, dropped, shapes.ATTRIBUTES),
    Operation("/api/v1/sources", "Services of the last 7 days and their clocks", Nothing, sources, shapes.SOURCES),
    *several.OPERATIONS,
    *extent.OPERATIONS,
    *retention.OPERATIONS,
    *rederive.OPERATIONS,
    *usage_ledger.OPERATIONS,
    *cardinality.OPERATIONS,
    *advice.OPERATIONS,
    *coverage.OPERATIONS,
    *desk.OPERATIONS,
    *policy.OPERATIONS,
    *audits.OPERATIONS,
    *exports.OPERATIONS,
    *alerts.OPERATIONS,
    *alerting_silences.OPERATIONS,
)
