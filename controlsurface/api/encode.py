"""Answers as strict JSON, or as an Arrow IPC stream where that is asked for."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
from starlette.responses import Response

from controlsurface.errors import TooMuch
from controlsurface.reader.asking import Answer, ReadEndpoint

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
FACTS = b"controlsurface"
MAX_BYTES = 64 << 20


def plain(endpoint: ReadEndpoint, answer: Answer) -> Any:
    """An answer as lists and mappings, in the endpoint's form."""
    rows = [endpoint.row(row) for row in answer.rows.to_pylist()]
    if endpoint.form == "bare":
        return rows
    if endpoint.form == "single":
        return rows[0]
    return {**answer.facts, endpoint.rows: rows} if endpoint.form == "named" else answer.facts


def encoded(
    answer: Answer,
    endpoint: ReadEndpoint,
    accept: str,
    form: Callable[[Answer], Any],
    known: str = "",
    most_bytes: int = MAX_BYTES,
) -> Response:
    """The answer in the form asked for; where no Arrow is offered it is JSON in any case. `known` is If-None-Match.

    Raises TooMuch where it has more than `most_bytes`, as rows or as written.
    """
    _within(answer.rows.nbytes, most_bytes)
    tag = str(answer.facts[endpoint.tag]) if endpoint.tag else ""
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept"} if tag else None
    if tag and has(known, tag):
        return Response(None, 304, headers)
    if endpoint.arrow and ARROW in accept:
        written = Response(_stream(answer), 200, headers, ARROW)
    else:
        written = json(form(answer), 200, headers)
    _within(len(written.body), most_bytes)
    return written


def _within(size: int, most_bytes: int) -> None:
    """Refuse what is too large: a part of it would mislead."""
    if size > most_bytes:
        raise TooMuch(
            f"the answer has {size:,} bytes, more than limits.answer_size ({most_bytes:,}); "
            "take a narrower window, fewer dimensions in by, or filter with where"
        )


def has(known: str, tag: str) -> bool:
    """Whether If-None-Match names the tag; a W/ in front says nothing here (RFC 9110, section 13.1.2).

    >>> has('"1-a", W/"2-b"', '"2-b"'), has("*", '"2-b"'), has('"2-c"', '"2-b"')
    (True, True, False)
    """
    return any(each.strip().removeprefix("W/") in {tag, "*"} for each in known.split(","))


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Strict JSON: no NaN, times in UTC with a Z, money as numbers."""
    return Response(orjson.dumps(value, _plain, orjson.OPT_UTC_Z), status, headers, media_type=JSON)


def _plain(value: object) -> Any:
    """What orjson does not know."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def _stream(answer: Answer) -> bytes:
    """The rows as an Arrow IPC stream, the facts in the schema's metadata."""
    table = answer.rows.replace_schema_metadata({FACTS: orjson.dumps(answer.facts, _plain)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
