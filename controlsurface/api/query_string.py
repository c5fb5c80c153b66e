"""From an address's query string, or a body of JSON, to an argument model."""

from collections.abc import Iterable
from typing import TypeVar, get_origin

import orjson
from starlette.requests import Request

from controlsurface.errors import BadRequest, TooLarge, WrongType
from controlsurface.query.arguments import Arguments

A = TypeVar("A", bound=Arguments)

MAX_BODY_BYTES = 65_536


def parse_arguments(model: type[A], pairs: Iterable[tuple[str, str]]) -> A:
    """The arguments in `pairs`; an empty value is no value. Raises BadRequest naming the argument that is wrong."""
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    for name, values in given.items():
        _not_too_often(model, name, len(values))
    full = {name: [value for value in values if value] for name, values in given.items()}
    said = {name: values for name, values in full.items() if values}
    return model(**{name: values if is_repeatable(model, name) else values[0] for name, values in said.items()})


def is_repeatable(model: type[Arguments], name: str) -> bool:
    """Whether an argument may be repeated."""
    field = model.model_fields.get(name)
    return field is not None and get_origin(field.annotation) is tuple


def _not_too_often(model: type[Arguments], name: str, times: int) -> None:
    """Refuse an argument that is there more often than its model allows."""
    most = 1
    if is_repeatable(model, name):
        bounds = (getattr(rule, "max_length", None) for rule in model.model_fields[name].metadata)
        most = next((bound for bound in bounds if bound is not None), times)
    if times > most:
        raise BadRequest(f"{name[:60]}: given {times} times, at most {most} are taken")


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
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"the body has more than {MAX_BODY_BYTES:,} bytes")
    return body


def read_body(model: type[Arguments], body: bytes) -> Arguments:
    """The body as `model`. Raises BadRequest naming what is wrong."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise BadRequest(f"the body is no JSON: {problem}") from None
    if not isinstance(given, dict):
        raise BadRequest("the body is no JSON object")
    return model.model_validate(given)
