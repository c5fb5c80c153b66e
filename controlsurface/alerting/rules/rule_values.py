"""What fields of rule files and their tests may hold: durations as Prometheus writes them, names of gauges."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from controlsurface.config import parse_duration
from controlsurface.formatting import format_period

GAUGES = {
    "ingest_lag_seconds": "How far the newest visible span is behind.",
    "ingest_pending_spans": "Spans answered for but not yet visible.",
    "ingest_refused_bodies": "Bodies told to come again later, in the last five minutes.",
    "ingest_not_ready": "1 while no traffic is taken.",
    "usage_unexplained_spans": "Spans with tokens or a cost that are in no figure, of the last hour.",
    "dimensions_over_limit": "Dimensions with more values than their limit allows, in the last hour.",
    "rules_lag_seconds": "How late the last evaluation of rules was.",
    "rules_failed": "Rules whose last evaluation failed.",
}

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
