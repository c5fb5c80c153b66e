"""Every error as application/problem+json (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from controlsurface.errors import Busy, ControlSurfaceError

PROBLEM_TYPE = "application/problem+json"


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
