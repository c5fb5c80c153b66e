"""Durations as Prometheus writes them, both ways."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from controlsurface.config import duration
from controlsurface.formatting import format_period

Span = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(format_period, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?(w|d|h|ms|m|s))+$", "examples": ["15m", "1h30m"]}),
]


def signed(text: object) -> object:
    """A duration that may have a minus before it."""
    if isinstance(text, str) and text.startswith("-"):
        found = duration(text[1:])
        return -found if isinstance(found, timedelta) else found
    return duration(text)


Offset = Annotated[timedelta, BeforeValidator(signed)]
