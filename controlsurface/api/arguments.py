"""From an address's query string to an argument model."""

from collections.abc import Iterable
from typing import TypeVar, get_origin

from controlsurface.errors import BadRequest
from controlsurface.metrics.arguments import Arguments

A = TypeVar("A", bound=Arguments)


def read(model: type[A], pairs: Iterable[tuple[str, str]]) -> A:
    """The arguments in `pairs`; an empty value is no value. Raises BadRequest naming the argument that is wrong."""
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if value:
            given.setdefault(name, []).append(value)
    return model(**{name: values if is_list(model, name) else _only(name, values) for name, values in given.items()})


def is_list(model: type[Arguments], name: str) -> bool:
    """Whether an argument may be repeated."""
    field = model.model_fields.get(name)
    return field is not None and get_origin(field.annotation) is tuple


def _only(name: str, values: list[str]) -> str:
    """The one value of an argument that may not be repeated."""
    if len(values) > 1:
        raise BadRequest(f"{name[:60]}: given {len(values)} times")
    return values[0]
