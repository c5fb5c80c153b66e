"""From the body of a request to an argument model: JSON, read as strictly as an address."""

import orjson
from starlette.requests import Request

from controlsurface.errors import BadRequest, TooLarge, WrongType
from controlsurface.metrics.arguments import Arguments

LONGEST = 65_536  # bytes of a body


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
