"""Stored spans back to OTLP/JSON, with nothing lost."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from controlsurface.errors import BadRequest
from controlsurface.metrics.statement import Statement

HOUR = timedelta(hours=1)

_COLUMNS = (
    "trace_hex(trace_id) AS trace_id, span_hex(span_id) AS span_id, span_hex(parent_span_id) AS parent_span_id, "
    "name, kind, start_ns, end_ns, status, status_message, trace_state, flags, scope, resource, attributes, events, "
    "links, dropped"
)


def trace_id(text: str) -> str:
    """A trace id in lower-case hex. Raises BadRequest for anything else."""
    if not re.fullmatch(r"[0-9a-fA-F]{32}", text):
        raise BadRequest(f"trace id: '{text[:60]}' is not 32 hex digits")
    return text.lower()


def spans(trace: str, near: datetime | None) -> Statement:
    """The statement whose rows are the trace's spans in order of time; with `near`, those within an hour of it."""
    parameters: dict[str, Any] = {"trace_id": trace}
    window = ""
    if near is not None:
        moment = near.astimezone(UTC).replace(tzinfo=None)
        parameters |= {"first": moment - HOUR, "last": moment + HOUR}
        window = "\n    AND started_at BETWEEN $first AND $last"
    sql = f"SELECT {_COLUMNS}\nFROM spans\nWHERE trace_id = CAST($trace_id AS UUID){window}\nORDER BY start_ns, span_id"
    return Statement(sql, parameters)


def complete(rows: Sequence[Mapping[str, Any]], near: datetime) -> bool:
    """Whether spans found within an hour of `near` can be all of their trace: no parent lacks, no edge is met."""
    ids = {row["span_id"] for row in rows}
    first, last = ((near + step).timestamp() * 1e9 for step in (-HOUR, HOUR))
    inside = all(first < row["start_ns"] and row["end_ns"] < last for row in rows)
    return bool(rows) and inside and all(row["parent_span_id"] in ids | {None} for row in rows)


def resource_spans(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows of `spans` as an ExportTraceServiceRequest: grouped by resource, then by scope, in the order given."""
    resources: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for row in rows:
        scope = orjson.loads(row["scope"])
        address = scope.pop("resourceSchemaUrl", "")
        scopes = resources.setdefault((row["resource"], address), {})
        scopes.setdefault(orjson.dumps(scope).decode(), []).append(_span(row))
    return {"resourceSpans": [_resource(*key, scopes) for key, scopes in resources.items()]}


def _resource(attributes: str, address: str, scopes: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """One resource with its scopes."""
    found = {
        "resource": {"attributes": orjson.loads(attributes)},
        "scopeSpans": [_scope(*each) for each in scopes.items()],
    }
    return found | ({"schemaUrl": address} if address else {})


def _scope(text: str, spans: list[dict[str, Any]]) -> dict[str, Any]:
    """One scope with its spans."""
    scope = orjson.loads(text)
    address = scope.pop("schemaUrl", "")
    return {"scope": scope, "spans": spans} | ({"schemaUrl": address} if address else {})


def _span(row: Mapping[str, Any]) -> dict[str, Any]:
    """One span; fields at their default are left out, as protobuf's JSON does."""
    optional = {
        "parentSpanId": row["parent_span_id"],
        "traceState": row["trace_state"],
        "flags": row["flags"],
        "events": orjson.loads(row["events"] or "null"),
        "links": orjson.loads(row["links"] or "null"),
    }
    status = {"code": row["status"], "message": row["status_message"]}
    return {
        "traceId": row["trace_id"],
        "spanId": row["span_id"],
        "name": row["name"],
        "kind": row["kind"],
        "startTimeUnixNano": str(row["start_ns"]),
        "endTimeUnixNano": str(row["end_ns"]),
        "attributes": orjson.loads(row["attributes"]),
        **{name: value for name, value in optional.items() if value},
        **orjson.loads(row["dropped"] or "{}"),
        "status": {name: value for name, value in status.items() if value},
    }
