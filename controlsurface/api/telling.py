"""What may be told to the server: bodies of JSON, read as strictly as arguments, from callers who may."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request

from controlsurface.api.auth import Caller
from controlsurface.config import Role
from controlsurface.errors import BadRequest, TooLarge, WrongType
from controlsurface.metrics.arguments import Arguments
from controlsurface.reader import Reader

LONGEST = 65_536  # bytes of a body


@dataclass(frozen=True, slots=True)
class Call:
    """What stands around a body: who sends it, the names within the address, the headers."""

    caller: Caller
    path: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """What became of it, as JSON can say, and headers of the answer."""

    answer: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Telling:
    """One address that takes a body; its answer is `status` and what was kept. `role`: the least that may do it."""

    path: str
    summary: str
    body: type[Arguments]
    keep: Callable[[Reader, Any, Call], Told]
    shape: Mapping[str, Any]
    method: str = "POST"
    role: Role = "operator"
    status: int = 201
    problems: tuple[str, ...] = ()
    heavy: bool = False  # looks through many requests, and so waits its turn among the queries


async def received(request: Request) -> bytes:
    """The body. Raises WrongType unless it is said to be JSON, which a form on a foreign page cannot say.

    DELETE, which such a form cannot send at all, says everything in its address.
    """
    if request.method == "DELETE":
        return b"{}"
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise WrongType("send a JSON object as Content-Type: application/json")
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
