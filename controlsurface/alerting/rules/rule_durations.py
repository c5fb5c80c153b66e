"""Durations as Prometheus writes them, both ways."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from controlsurface.config import parse_duration
from controlsurface.formatting import format_period

RuleDuration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_period, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?(w|d|h|ms|m|s))+$", "examples": ["15m", "1h30m"]}),
]


def parse_signed_duration(text: object) -> object:
    """A duration that may have a minus before it."""
    if isinstance(text, str) and text.startswith("-"):
        found = parse_duration(text[1:])
        return -found if isinstance(found, timedelta) else found
    return parse_duration(text)


SignedRuleDuration = Annotated[timedelta, BeforeValidator(parse_signed_duration)]
