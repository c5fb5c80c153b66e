"""The spans that seeded requests and attempts would have been derived from."""

from typing import Any

import pyarrow as pa
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status

from controlsurface.store.duckdb import WriteTransaction

# One row a span: kind 1 the request's own, kind 3 a call.
_ROWS = """
    SELECT
        trace_hex(trace_id) AS trace_id, span_id, NULL AS parent, 'route' AS name, 1 AS kind, started_at, duration_ms,
        failed, error_type, service, router, confidence, threshold, NULL AS model
    FROM requests
    WHERE started_at IS NOT NULL
    UNION ALL
    SELECT
        trace_hex(a.trace_id), a.span_id, r.span_id, coalesce('chat ' || a.model, 'chat'), 3,
        a.started_at, a.duration_ms, a.failed, a.error_type, a.service, NULL, NULL, NULL, a.model_raw
    FROM attempts AS a LEFT JOIN requests AS r USING (request_id)
    WHERE a.started_at IS NOT NULL
"""
_INSERT = """
    INSERT INTO spans BY NAME
    SELECT
        CAST(trace_id AS UUID) AS trace_id, span_id, parent AS parent_span_id, name, kind, start_ns, end_ns, started_at,
        duration_ms, CASE WHEN failed THEN 2 ELSE 0 END AS status, error_type AS status_message, service, around, span,
        started_at AS received_at, hash(span) AS content_hash, 'controlsurface' AS vocabularies,
        kind = 1 AS is_request, false AS is_gateway, kind = 1 AS is_decision, false AS is_dispatch,
        false AS is_cache_lookup, kind = 3 AS is_call, false AS is_failed_call,
        router, confidence, threshold, model, error_type
    FROM seeded_spans
"""

_ARRIVALS = """
INSERT INTO arrivals
SELECT date_trunc('minute', started_at), service, count(*), count(*) // 9, count(*) // 5, 40.0 * count(*), count(*),
    900.0 * count(*), count(*) // 7, 1, 1, 1
FROM spans GROUP BY ALL
"""


def insert(writing: WriteTransaction) -> None:
    """Fill spans from what requests and attempts hold."""
    rows = writing.rows(f"SELECT *, epoch_ns(started_at) AS start_ns FROM ({_ROWS})")
    spans = [_span(**row) for row in rows.to_pylist()]
    around = {name: _around(name) for name in set(rows["service"].to_pylist())}
    rows = rows.append_column("span", pa.array([span.SerializeToString() for span in spans]))
    rows = rows.append_column("around", pa.array([around[name] for name in rows["service"].to_pylist()]))
    rows = rows.append_column("end_ns", pa.array([span.end_time_unix_nano for span in spans], pa.uint64()))
    writing.attach("seeded_spans", rows)
    writing.execute(_INSERT)
    writing.execute(_ARRIVALS)


def _span(**row: Any) -> Span:
    """One span in protobuf."""
    texts = {"controlsurface.router.name": row["router"], "gen_ai.request.model": row["model"]}
    numbers = {f"controlsurface.router.{name}": row[name] for name in ("confidence", "threshold")}
    span = Span(
        trace_id=bytes.fromhex(row["trace_id"]),
        span_id=row["span_id"].to_bytes(8, "big"),
        parent_span_id=row["parent"].to_bytes(8, "big") if row["parent"] is not None else b"",
        name=row["name"],
        kind=row["kind"],
        start_time_unix_nano=row["start_ns"],
        end_time_unix_nano=row["start_ns"] + int((row["duration_ms"] or 0) * 1e6),
        status=Status(code=Status.STATUS_CODE_ERROR, message=row["error_type"]) if row["failed"] else None,
    )
    span.attributes.extend(KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in texts.items() if text)
    span.attributes.extend(
        KeyValue(key=key, value=AnyValue(double_value=n)) for key, n in numbers.items() if n is not None
    )
    return span


def _around(service: str | None) -> bytes:
    """The resource and scope of one service."""
    around = ResourceSpans()
    around.resource.attributes.add(key="service.name").value.string_value = service or "unknown_service"
    around.scope_spans.add().scope.name = "seed"
    return around.SerializeToString()
