"""What may be told to the server: bodies of JSON, read as strictly as arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

from controlsurface.api import shapes
from controlsurface.errors import BadRequest, TooLarge
from controlsurface.metrics.arguments import Arguments
from controlsurface.metrics.events import Event
from controlsurface.reader import Reader

LONGEST = 65_536  # bytes of a body


@dataclass(frozen=True, slots=True)
class Telling:
    """One POST address; its answer is 201 and what was kept."""

    path: str
    summary: str
    body: type[Arguments]
    keep: Callable[[Reader, Any], None]
    shape: Mapping[str, Any]


def tell_event(reader: Reader, event: Event) -> None:
    """Keep a change."""
    reader.tell(event)


TELLINGS = (Telling("/api/v1/events", "Tell of a change", Event, tell_event, shapes.EVENT),)


async def received(request: Request) -> bytes:
    """The body. Raises BadRequest unless it is said to be JSON, which a form on a foreign page cannot say."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadRequest("send a JSON object as Content-Type: application/json")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST:
            raise TooLarge(f"the body has more than {LONGEST:,} bytes")
    return body


def read(model: type[Arguments], body: bytes) -> Arguments:
    """The body as `model`. Raises BadRequest naming what is wrong."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise BadRequest(f"the body is no JSON: {problem}") from None
    if not isinstance(given, dict):
        raise BadRequest("the body is no JSON object")
    return model.model_validate(given)
