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
        given.setdefault(name, []).append(value)
    for name, values in given.items():
        _not_too_often(model, name, len(values))
    full = {name: [value for value in values if value] for name, values in given.items()}
    return model(**{name: values if is_list(model, name) else values[0] for name, values in full.items() if values})


def is_list(model: type[Arguments], name: str) -> bool:
    """Whether an argument may be repeated."""
    field = model.model_fields.get(name)
    return field is not None and get_origin(field.annotation) is tuple


def _not_too_often(model: type[Arguments], name: str, times: int) -> None:
    """Refuse an argument that is there more often than its model allows."""
    most = 1
    if is_list(model, name):
        bounds = (getattr(rule, "max_length", None) for rule in model.model_fields[name].metadata)
        most = next((bound for bound in bounds if bound is not None), times)
    if times > most:
        raise BadRequest(f"{name[:60]}: given {times} times, at most {most} are taken")
