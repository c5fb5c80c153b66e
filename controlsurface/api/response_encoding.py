"""Answers as strict JSON or an Arrow IPC stream, and every error as application/problem+json (RFC 9457)."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import orjson
import pyarrow as pa
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from controlsurface.client.query_protocol import ReadEndpoint, Result
from controlsurface.client.remote_client import ARROW_TYPE, FACTS_METADATA_KEY, JSON_TYPE, PROBLEM_TYPE
from controlsurface.errors import Busy, ControlSurfaceError, TooMuch


def plain(endpoint: ReadEndpoint, answer: Result) -> Any:
    """An answer as lists and mappings, in the endpoint's form."""
    rows = [endpoint.row(row) for row in answer.rows.to_pylist()]
    if endpoint.form == "bare":
        return rows
    if endpoint.form == "single":
        return rows[0]
    return {**answer.facts, endpoint.rows: rows} if endpoint.form == "named" else answer.facts


def encode_response(
    answer: Result, endpoint: ReadEndpoint, accept: str, form: Callable[[Result], Any], known: str, most_bytes: int
) -> Response:
    """The answer in the form asked for; where no Arrow is offered it is JSON in any case. `known` is If-None-Match.

    Raises TooMuch where it has more than `most_bytes`, as rows or as written.
    """
    _within(answer.rows.nbytes, most_bytes)
    tag = str(answer.facts[endpoint.tag]) if endpoint.tag else ""
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept"} if tag else None
    if tag and matches_etag(known, tag):
        return Response(None, 304, headers)
    if endpoint.arrow and ARROW_TYPE in accept:
        written = Response(_stream(answer), 200, headers, ARROW_TYPE)
    else:
        written = json_response(form(answer), 200, headers)
    _within(len(written.body), most_bytes)
    return written


def _within(size: int, most_bytes: int) -> None:
    """Refuse what is too large: a part of it would mislead."""
    if size > most_bytes:
        raise TooMuch(
            f"the answer has {size:,} bytes, more than limits.answer_size ({most_bytes:,}); "
            "take a narrower window, fewer dimensions in by, or filter with where"
        )


def matches_etag(known: str, tag: str) -> bool:
    """Whether If-None-Match names the tag; a W/ in front says nothing here (RFC 9110, section 13.1.2).

    >>> matches_etag('"1-a", W/"2-b"', '"2-b"'), matches_etag("*", '"2-b"'), matches_etag('"2-c"', '"2-b"')
    (True, True, False)
    """
    return any(each.strip().removeprefix("W/") in {tag, "*"} for each in known.split(","))


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Strict JSON: no NaN, times in UTC with a Z, money as numbers."""
    return Response(orjson.dumps(value, _plain, orjson.OPT_UTC_Z), status, headers, media_type=JSON_TYPE)


def _plain(value: object) -> Any:
    """What orjson does not know."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def _stream(answer: Result) -> bytes:
    """The rows as an Arrow IPC stream, the facts in the schema's metadata."""
    table = answer.rows.replace_schema_metadata({FACTS_METADATA_KEY: orjson.dumps(answer.facts, _plain)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def problem_response(
    status: int, title: str, detail: str, error: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A problem; `error` names the class in errors.py, for clients in Python."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Response(orjson.dumps(body | ({"error": error} if error else {})), status, headers, PROBLEM_TYPE)


def on_known_error(_: Request, error: Exception) -> Response:
    """One of our own errors."""
    assert isinstance(error, ControlSurfaceError)  # noqa: S101 - Starlette's handlers take any Exception
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, Busy) else None
    return problem_response(error.status, error.title, str(error), type(error).__name__, headers)


def on_http_error(request: Request, error: Exception) -> Response:
    """An address or method that does not exist."""
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette's handlers take any Exception
    detail = f"{request.method} {request.url.path[:200]}: {error.detail}"
    return problem_response(error.status_code, HTTPStatus(error.status_code).phrase, detail, None, error.headers)


def on_unexpected_error(_: Request, __: Exception) -> Response:
    """A fault of ours; the log has the traceback, the answer gives nothing away."""
    return problem_response(500, ControlSurfaceError.title, "the server failed to answer; its log says why")


ERROR_HANDLERS = {ControlSurfaceError: on_known_error, HTTPException: on_http_error, Exception: on_unexpected_error}
