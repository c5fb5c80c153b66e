"""What a file of rule tests may say, in promtool's words: samples or requests in, alerts out.

`input_series` gives a metric's figures outright; `input_requests` gives the requests, which are then measured, so that
one file tests all the way from a request to an alert.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from controlsurface.alerting.durations import Offset, Span
from controlsurface.alerting.expand import expanded
from controlsurface.alerting.gauges import GAUGES
from controlsurface.alerting.rules import MINUTE, ZERO, EventKind, Part
from controlsurface.errors import nearest
from controlsurface.metrics.catalog import CATALOG

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday: tests count from here unless they say otherwise

_SERIES = re.compile(r"\s*(?P<name>\w+)\s*(?:\{(?P<labels>.*)\})?\s*")
_LABEL = re.compile(r'\s*(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')


class Series(Part):
    """Figures of a metric of one slice, or of a gauge, one each `interval`."""

    series: str = Field(description='a metric and its slice: escalation_rate{task_type="chat"}')
    values: str = Field(description="expanding notation: 0.1x10 0.5x30")
    n: int = Field(1000, ge=0, description="rows that each figure rests on")

    @field_validator("series")
    @classmethod
    def _readable(cls, text: str) -> str:
        """Refuse what cannot be read, and names that neither catalogue nor server knows."""
        name, _ = named(text)
        if name not in {*CATALOG, *GAUGES}:
            raise ValueError(f"no metric or gauge named '{name}'{nearest(name, {*CATALOG, *GAUGES})}")
        return text

    @field_validator("values")
    @classmethod
    def _expandable(cls, text: str) -> str:
        """Refuse what cannot be expanded."""
        expanded(text)
        return text


class Rows(BaseModel):
    """Rows of one kind: `count` of them each `every`, at from, from + every, ... before `to`; all else are columns."""

    model_config = ConfigDict(extra="allow", frozen=True)

    from_: Offset = Field(
        ZERO, alias="from", description="the first moment, from the start of the test; may be negative"
    )
    to: Offset = Field(MINUTE, description="the moment after the last")
    every: Span = Field(MINUTE, gt=ZERO)
    count: int = Field(1, ge=1, le=10_000)

    @property
    def columns(self) -> Mapping[str, Any]:
        """The columns given."""
        return self.model_extra or {}


class Told(Part):
    """A change that somebody tells of."""

    at: Offset = ZERO
    kind: EventKind
    title: str


class Expected(Part):
    """An alert that must fire. All labels but `alertname` are compared; annotations where they are given."""

    exp_labels: Mapping[str, str] = Field(default_factory=dict)
    exp_annotations: Mapping[str, str] | None = None


class Check(Part):
    """Which alerts of a rule fire at a moment, and no others."""

    eval_time: Span
    alertname: str
    exp_alerts: tuple[Expected, ...] = ()


class Case(Part):
    """Inputs, and what must fire when."""

    name: str = ""
    start: datetime = Field(START, description="when the test begins")
    interval: Span = Field(MINUTE, gt=ZERO, description="between two samples of a series")
    input_series: tuple[Series, ...] = ()
    input_requests: tuple[Rows, ...] = ()
    input_attempts: tuple[Rows, ...] = ()
    input_events: tuple[Told, ...] = ()
    weekly_budget_usd: float = Field(0, ge=0)
    alert_rule_test: tuple[Check, ...] = Field(min_length=1)


class CaseFile(Part):
    """A file of tests."""

    rule_files: tuple[str, ...] = Field((), description="beside this file; without: X.yaml of X.test.yaml")
    evaluation_interval: Span = Field(MINUTE, gt=ZERO)
    tests: tuple[Case, ...] = Field(min_length=1)


def named(text: str) -> tuple[str, Mapping[str, str]]:
    """A series' name and labels. Raises ValueError."""
    found = _SERIES.fullmatch(text)
    inside = (found and found["labels"]) or ""
    pairs = _LABEL.findall(inside)
    if found is None or _LABEL.sub("", inside).strip():
        raise ValueError(f"'{text}' is no series; write escalation_rate{{task_type=\"chat\"}}")
    return found["name"], {name: re.sub(r"\\(.)", r"\1", value) for name, value in pairs}
