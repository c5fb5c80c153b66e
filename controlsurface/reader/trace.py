"""Finding all spans of a trace, quickly where a time is known."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from controlsurface.errors import BadRequest
from controlsurface.metrics.statement import Statement
from controlsurface.store.otlp_json import SPAN_COLUMNS

HOUR = timedelta(hours=1)

_COLUMNS = ", ".join(("span_id", "parent_span_id", "start_ns", "end_ns", *SPAN_COLUMNS))


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
        moment = near
        parameters |= {"first": moment - HOUR, "last": moment + HOUR}
        window = "\n    AND started_at BETWEEN $first AND $last"
    sql = f"SELECT {_COLUMNS}\nFROM spans\nWHERE trace_id = CAST($trace_id AS UUID){window}\nORDER BY start_ns, span_id"
    return Statement(sql, parameters, "traces.spans")


def complete(rows: Sequence[Mapping[str, Any]], near: datetime) -> bool:
    """Whether spans found within an hour of `near` can be all of their trace: no parent lacks, no edge is met."""
    ids = {row["span_id"] for row in rows}
    first, last = ((near + step).timestamp() * 1e9 for step in (-HOUR, HOUR))
    inside = all(first < row["start_ns"] and row["end_ns"] < last for row in rows)
    return bool(rows) and inside and all(row["parent_span_id"] in ids | {None} for row in rows)
