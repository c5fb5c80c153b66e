"""Stored spans as OTLP/JSON, losslessly."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

SPAN_COLUMNS = (
    "trace_id span_id parent_span_id name kind start_ns end_ns status status_message trace_state flags "
    "scope resource attributes events links dropped received_at"
).split()


def traces_data(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows with SPAN_COLUMNS as one OTLP/JSON TracesData object: spans grouped by resource and scope, in their order."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["resource"], row["scope"]), []).append(_span(row))
    return {"resourceSpans": [_resource_spans(resource, scope, spans) for (resource, scope), spans in groups.items()]}


def _resource_spans(resource: str, scope: str, spans: list[dict[str, Any]]) -> dict[str, Any]:
    """One resource with one scope."""
    fields = json.loads(scope)
    outer = {"resource": {"attributes": json.loads(resource)}}
    inner: dict[str, Any] = {"spans": spans}
    if "resourceSchemaUrl" in fields:
        outer["schemaUrl"] = fields.pop("resourceSchemaUrl")
    if "schemaUrl" in fields:
        inner["schemaUrl"] = fields.pop("schemaUrl")
    return {**outer, "scopeSpans": [{"scope": fields, **inner}]}


def _span(row: Mapping[str, Any]) -> dict[str, Any]:
    """One span; empty fields are left out, as senders do."""
    status = {"code": row["status"], "message": row["status_message"]}
    span = {
        "traceId": str(row["trace_id"]).replace("-", ""),
        "spanId": f"{row['span_id']:016x}",
        "parentSpanId": f"{row['parent_span_id']:016x}" if row["parent_span_id"] is not None else None,
        "traceState": row["trace_state"],
        "flags": row["flags"],
        "name": row["name"],
        "kind": row["kind"],
        "startTimeUnixNano": str(row["start_ns"]),
        "endTimeUnixNano": str(row["end_ns"]),
        "status": {key: value for key, value in status.items() if value},
        "attributes": json.loads(row["attributes"]),
        "events": json.loads(row["events"]) if row["events"] else None,
        "links": json.loads(row["links"]) if row["links"] else None,
        **json.loads(row["dropped"] or "{}"),
    }
    return {key: value for key, value in span.items() if value not in (None, 0, {}, [])}
