"""Answers as strict JSON, or as an Arrow IPC stream where that is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
from starlette.responses import Response

from controlsurface.errors import TooMuch

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
FACTS = b"controlsurface"
MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Tabular:
    """Rows under a name, and the facts beside them. `single`: the one row is the answer itself; `bare`: the rows are.

    `form` is what JSON makes of a row. `tag` is an entity tag: who has that version already is told 304.
    """

    name: str
    rows: pa.Table
    facts: Mapping[str, Any] = field(default_factory=dict)
    single: bool = False
    form: Callable[[Mapping[str, Any]], Any] = dict
    tag: str = ""
    bare: bool = False

    def plain(self) -> Any:
        """The answer as lists and mappings."""
        rows = [self.form(row) for row in self.rows.to_pylist()]
        if self.bare:
            return rows
        return rows[0] if self.single else {**self.facts, self.name: rows}


def encoded(answer: Any, accept: str, known: str = "", most_bytes: int = MAX_BYTES) -> Response:
    """The answer in the form asked for; what is not a table is JSON in any case. `known` is If-None-Match.

    Raises TooMuch where it has more than `most_bytes`, as rows or as written.
    """
    if isinstance(answer, Tabular):
        _within(answer.rows.nbytes, most_bytes)
    written = _encoded(answer, accept, known)
    _within(len(written.body), most_bytes)
    return written


def _within(size: int, most_bytes: int) -> None:
    """Refuse what is too large: a part of it would mislead."""
    if size > most_bytes:
        raise TooMuch(
            f"the answer has {size:,} bytes, more than limits.answer_size ({most_bytes:,}); "
            "take a narrower window, fewer dimensions in by, or filter with where"
        )


def _encoded(answer: Any, accept: str, known: str) -> Response:
    """The answer, however large."""
    if not isinstance(answer, Tabular):
        return json(answer)
    headers = {"ETag": answer.tag, "Cache-Control": "no-cache", "Vary": "Accept"} if answer.tag else None
    if answer.tag and has(known, answer.tag):
        return Response(None, 304, headers)
    if ARROW in accept:
        return Response(_stream(answer), 200, headers, ARROW)
    return json(answer.plain(), 200, headers)


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


def _stream(answer: Tabular) -> bytes:
    """The rows as an Arrow IPC stream, the facts in the schema's metadata."""
    table = answer.rows.replace_schema_metadata({FACTS: orjson.dumps(answer.facts, _plain)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
