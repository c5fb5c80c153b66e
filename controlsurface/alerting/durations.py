"""Durations as Prometheus writes them, both ways."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from controlsurface.config import duration

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}


def spelled(span: timedelta) -> str:
    """The duration as one writes it, days the largest unit.

    >>> spelled(timedelta(minutes=90)), spelled(timedelta(days=7)), spelled(timedelta())
    ('1h30m', '7d', '0s')
    """
    parts = []
    for unit, size in _UNITS.items():
        count, span = divmod(span, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


Span = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(spelled, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?(w|d|h|ms|m|s))+$", "examples": ["15m", "1h30m"]}),
]


def signed(text: object) -> object:
    """A duration that may have a minus before it."""
    if isinstance(text, str) and text.startswith("-"):
        found = duration(text[1:])
        return -found if isinstance(found, timedelta) else found
    return duration(text)


Offset = Annotated[timedelta, BeforeValidator(signed)]
