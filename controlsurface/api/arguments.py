"""From an address's query string to an argument model."""

from collections.abc import Iterable
from typing import TypeVar, get_origin

from annotated_types import MaxLen

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
    rules = model.model_fields[name].metadata if is_list(model, name) else [MaxLen(1)]
    most = next((rule.max_length for rule in rules if isinstance(rule, MaxLen)), times)
    if times > most:
        raise BadRequest(f"{name[:60]}: given {times} times, at most {most} are taken")
