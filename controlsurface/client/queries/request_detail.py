"""One request with all that belongs to it, and all spans of a trace, quickly where a time is known."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from controlsurface.client.arrow_tables import OBJECT, TEXT, TIME, as_dicts, columns, list_of, record
from controlsurface.client.queries.request_list import REQUEST, REQUEST_COLUMNS_SQL
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.errors import BadRequest, NotFound
from controlsurface.query.arguments import Arguments, Instant
from controlsurface.query.statement import Statement, run_concurrently
from controlsurface.store.span_json import SPAN_COLUMNS, traces_data

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


class Near(Arguments):
    """A hint in time."""

    near: Instant | None = Field(None, description="a time near the start, RFC 3339: makes the look-up fast")


class RequestDetail(Result):
    """One request with its decision and costs, its attempts in order of time, and what was evaluated of it.

    All of it is one row: a struct and two lists of structs.
    """

    @property
    def row(self) -> pa.Table:
        """The request as a table of one row."""
        return _as_table(self.rows["request"])

    @property
    def request(self) -> Mapping[str, Any]:
        """The request's row."""
        return as_dicts(self.row)[0]

    @property
    def attempts(self) -> pa.Table:
        """Its attempts."""
        return self._listed("attempts")

    @property
    def evaluations(self) -> pa.Table:
        """What was evaluated of it."""
        return self._listed("evaluations")

    def _listed(self, name: str) -> pa.Table:
        return _as_table(pc.list_flatten(self.rows[name]))


def _as_table(rows: Any) -> pa.Table:
    """Structures as rows. pyarrow's own way imports pandas, which takes 40 MB."""
    names = [field.name for field in rows.type]
    return pa.Table.from_arrays(rows.flatten(), names)


@dataclass(frozen=True, slots=True)
class RequestQuery(Query[RequestDetail]):
    """One request; where several carry the id, the newest. A time near its start makes it fast. Raises NotFound."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/requests/{request_id:path}",
        "request",
        "One request with its attempts",
        columns(
            request=record(**{each.name: each for each in REQUEST}),
            attempts=list_of(record(attempt_id=TEXT, trace_id=TEXT, span_id=TEXT, started_at=TIME, purpose=TEXT)),
            evaluations=list_of(record(evaluation_id=TEXT, name=TEXT, evaluated_at=TIME)),
        ),
        form="single",
    )
    result: ClassVar = RequestDetail
    request_id: str
    arguments: Near = Near()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> RequestDetail:
        """A request with all that belongs to it."""
        request_id, near = self.request_id, self.arguments.near
        found, calls = self._both(session, near)
        if near and not found.num_rows:
            found, calls = self._both(session, None)
        if not found.num_rows:
            raise NotFound(f"no request '{request_id[:200]}'")
        (row,) = as_dicts(found)
        if near and near != row["started_at"]:
            calls = session.rows(select_attempts(request_id, row["started_at"]))
        if calls.num_rows < row["steps"]:  # some lie further away, or nobody knows when
            calls = session.rows(select_attempts(request_id, None))
        graded = session.rows(select_evaluations(row))
        whole = [found.to_struct_array().combine_chunks(), _listed(calls), _listed(graded)]
        return RequestDetail(pa.table(whole, ["request", "attempts", "evaluations"]))

    def _both(self, session: StoreSession, near: datetime | None) -> list[pa.Table]:
        """A request's row and its attempts, asked for together: each is more planning than reading."""
        asked = [select_request(self.request_id, near), select_attempts(self.request_id, near)]
        return run_concurrently(session.rows, asked)


def select_request(request_id: str, near: datetime | None) -> Statement:
    """The statement whose row is the newest request of that id; with `near`, of those within a day of it."""
    window, parameters = _around("r.started_at", near)
    sql = f"SELECT {REQUEST_COLUMNS_SQL}\nFROM requests AS r\nWHERE r.request_id = $request_id{window}\n"
    order = "ORDER BY r.started_at DESC NULLS LAST, r.trace_id, r.span_id\nLIMIT 1"
    return Statement(sql + order, parameters | {"request_id": request_id}, "requests.one")


def select_attempts(request_id: str, near: datetime | None) -> Statement:
    """The statement whose rows are the attempts of a request; with `near`, those within a day of it."""
    window, parameters = _around("started_at", near)
    return Statement(_ATTEMPTS.format(window=window), parameters | {"request_id": request_id}, "requests.attempts")


def select_evaluations(row: Mapping[str, Any]) -> Statement:
    """The statement whose rows are the evaluations of a request."""
    window, parameters = _around("started_at", row["started_at"])
    names = {"request_id": row["request_id"], "trace_id": row["trace_id"]}
    return Statement(_EVALUATIONS.format(window=window), parameters | names, "requests.evaluations")


def _around(column: str, near: datetime | None) -> tuple[str, dict[str, Any]]:
    """The condition that a time lies within a day of `near`, and its values."""
    if near is None:
        return "", {}
    return f" AND {column} BETWEEN $first AND $last", {"first": near - _DAY, "last": near + _DAY}


def _listed(rows: pa.Table) -> "pa.ListArray[Any]":
    """A table as one list of structs."""
    structs = rows.to_struct_array().combine_chunks()
    return pa.ListArray.from_arrays(pa.array([0, len(structs)], pa.int32()), structs)


HOUR = timedelta(hours=1)

_SPAN_COLUMNS = ", ".join(("span_id", "parent_span_id", "start_ns", "end_ns", *SPAN_COLUMNS))


@dataclass(frozen=True, slots=True)
class TraceQuery(Query[Result]):
    """All spans of a trace in order of time: the facts are OTLP/JSON. A time near its start makes it fast."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/traces/{trace_id:path}",
        "trace",
        "All spans of a trace, as OTLP/JSON",
        facts=columns(resourceSpans=list_of(OBJECT)),
        form="facts",
        arrow=False,
    )
    trace_id: str
    arguments: Near = Near()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """From the stored spans. Raises NotFound."""
        whole, near = known_id(self.trace_id), self.arguments.near
        hinted = session.rows(select_trace_spans(whole, near)).to_pylist() if near else []
        rows = hinted if near and is_complete_trace(hinted, near) else []
        rows = rows or session.rows(select_trace_spans(whole, None)).to_pylist()
        if not rows:
            raise NotFound(f"no trace '{whole}'")
        return Result(pa.table({}), traces_data(rows))


def known_id(text: str) -> str:
    """A trace id in lower-case hex. Raises BadRequest for anything else."""
    if not re.fullmatch(r"[0-9a-fA-F]{32}", text):
        raise BadRequest(f"trace id: '{text[:60]}' is not 32 hex digits")
    return text.lower()


def select_trace_spans(trace: str, near: datetime | None) -> Statement:
    """The statement whose rows are the trace's spans in order of time; with `near`, those within an hour of it."""
    parameters: dict[str, Any] = {"trace_id": trace}
    window = ""
    if near is not None:
        parameters |= {"first": near - HOUR, "last": near + HOUR}
        window = "\n    AND started_at BETWEEN $first AND $last"
    found = f"FROM spans\nWHERE trace_id = CAST($trace_id AS UUID){window}"
    sql = f"SELECT {_SPAN_COLUMNS}\n{found}\nORDER BY start_ns, span_id"
    return Statement(sql, parameters, "traces.spans")


def is_complete_trace(rows: Sequence[Mapping[str, Any]], near: datetime) -> bool:
    """Whether spans found within an hour of `near` can be all of their trace: no parent lacks, no edge is met."""
    ids = {row["span_id"] for row in rows}
    first, last = ((near + step).timestamp() * 1e9 for step in (-HOUR, HOUR))
    inside = all(first < row["start_ns"] and row["end_ns"] < last for row in rows)
    return bool(rows) and inside and all(row["parent_span_id"] in ids | {None} for row in rows)
