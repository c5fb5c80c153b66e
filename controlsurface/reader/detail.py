"""One request and all that belongs to it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from controlsurface.metrics.statement import Statement
from controlsurface.reader.listing import SELECTED

_ATTEMPTS = """\
SELECT
    attempt_id, request_id, trace_hex(trace_id) AS trace_id, span_hex(span_id) AS span_id, started_at, duration_ms,
    ttft_ms, purpose, lane, model, model_raw, provider, finish, error_type, failed, gate, input_tokens, cached_tokens,
    cache_write_tokens, output_tokens, reasoning_tokens, cost_usd, cost_source, billable, answer_label, shadow_of,
    sampling_probability, service_tier, unpriced_parts, provider_assumed
FROM attempts
WHERE request_id = $request_id{window}
ORDER BY started_at NULLS LAST, span_id"""

# An evaluation may sit on the request's span, on an attempt's, or on an evaluator's span below: all but those of
# the other requests in the trace, which are looked for within a day of this one.
_EVALUATIONS = """\
WITH others AS (
    SELECT span_id FROM requests WHERE trace_id = CAST($trace_id AS UUID) AND request_id <> $request_id{window}
    UNION ALL
    SELECT span_id FROM attempts WHERE trace_id = CAST($trace_id AS UUID) AND request_id <> $request_id{window}
)
SELECT
    evaluation_id, trace_hex(e.trace_id) AS trace_id, span_hex(e.span_id) AS span_id, response_id, evaluated_at, name,
    score, label, explanation, error_type
FROM evaluations AS e
WHERE e.trace_id = CAST($trace_id AS UUID) AND (e.span_id IS NULL OR e.span_id NOT IN (SELECT span_id FROM others))
ORDER BY evaluated_at NULLS LAST, name"""

_DAY = timedelta(days=1)


def request(request_id: str, near: datetime | None) -> Statement:
    """The statement whose row is the newest request of that id; with `near`, of those within a day of it."""
    window, parameters = _around("r.started_at", near)
    sql = f"SELECT {SELECTED}\nFROM requests AS r\nWHERE r.request_id = $request_id{window}\n"
    order = "ORDER BY r.started_at DESC NULLS LAST, r.trace_id, r.span_id\nLIMIT 1"
    return Statement(sql + order, parameters | {"request_id": request_id}, "requests.one")


def attempts(request_id: str, near: datetime | None) -> Statement:
    """The statement whose rows are the attempts of a request; with `near`, those within a day of it."""
    window, parameters = _around("started_at", near)
    return Statement(_ATTEMPTS.format(window=window), parameters | {"request_id": request_id}, "requests.attempts")


def evaluations(row: Mapping[str, Any]) -> Statement:
    """The statement whose rows are the evaluations of a request."""
    window, parameters = _around("started_at", row["started_at"])
    names = {"request_id": row["request_id"], "trace_id": row["trace_id"]}
    return Statement(_EVALUATIONS.format(window=window), parameters | names, "requests.evaluations")


def _around(column: str, near: datetime | None) -> tuple[str, dict[str, Any]]:
    """The condition that a time lies within a day of `near`, and its values."""
    if near is None:
        return "", {}
    moment = near
    return f" AND {column} BETWEEN $first AND $last", {"first": moment - _DAY, "last": moment + _DAY}
