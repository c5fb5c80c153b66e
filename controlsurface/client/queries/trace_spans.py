"""Finding all spans of a trace, quickly where a time is known."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pyarrow as pa

from controlsurface.client.queries.request_detail import Near
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.client.result_columns import OBJECT, columns, list_of
from controlsurface.errors import BadRequest, NotFound
from controlsurface.query.statement import Statement
from controlsurface.store.span_json import SPAN_COLUMNS, traces_data

HOUR = timedelta(hours=1)

_COLUMNS = ", ".join(("span_id", "parent_span_id", "start_ns", "end_ns", *SPAN_COLUMNS))


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
        rows = (
            hinted
            if near and is_complete_trace(hinted, near)
            else session.rows(select_trace_spans(whole, None)).to_pylist()
        )
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
        moment = near
        parameters |= {"first": moment - HOUR, "last": moment + HOUR}
        window = "\n    AND started_at BETWEEN $first AND $last"
    sql = f"SELECT {_COLUMNS}\nFROM spans\nWHERE trace_id = CAST($trace_id AS UUID){window}\nORDER BY start_ns, span_id"
    return Statement(sql, parameters, "traces.spans")


def is_complete_trace(rows: Sequence[Mapping[str, Any]], near: datetime) -> bool:
    """Whether spans found within an hour of `near` can be all of their trace: no parent lacks, no edge is met."""
    ids = {row["span_id"] for row in rows}
    first, last = ((near + step).timestamp() * 1e9 for step in (-HOUR, HOUR))
    inside = all(first < row["start_ns"] and row["end_ns"] < last for row in rows)
    return bool(rows) and inside and all(row["parent_span_id"] in ids | {None} for row in rows)
