"""What a file of rule tests may say, in promtool's words: samples or requests in, alerts out."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from controlsurface.alerting.rules.rule_models import ONE_MINUTE, ZERO_DURATION, EventKind, RuleFileModel
from controlsurface.alerting.rules.rule_values import GAUGES, RuleDuration, SignedRuleDuration
from controlsurface.errors import did_you_mean
from controlsurface.metrics.catalog import CATALOG

_SAMPLE_PATTERN = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_ITEM_PATTERN = re.compile(
    rf"(?:(?P<none>_)|(?P<first>{_SAMPLE_PATTERN})(?P<step>[-+](?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)?)(?:x(?P<times>\d+))?"
)
MAX_SAMPLES = 100_000


@lru_cache(maxsize=64)
def expand_series(text: str) -> tuple[float | None, ...]:
    """The samples, None where there is none. Raises ValueError naming the item.

    >>> expand_series("1+2x2 _ 0.5x1")
    (1.0, 3.0, 5.0, None, 0.5, 0.5)
    """
    samples: list[float | None] = []
    for item in text.split():
        samples += _expand_item(item)
        if len(samples) > MAX_SAMPLES:
            raise ValueError(f"more than {MAX_SAMPLES:,} samples")
    return tuple(samples)


def _expand_item(item: str) -> list[float | None]:
    found = _ITEM_PATTERN.fullmatch(item)
    if found is None or (found["step"] and not found["times"]) or int(found["times"] or 0) > MAX_SAMPLES:
        raise ValueError(f"'{item}' cannot be read; write 0.5, 0.5x10, 0+0.1x10, _ or _x10")
    times = int(found["times"] or 0)
    if found["none"]:
        return [None] * (times if found["times"] else 1)
    first, step = float(found["first"]), float(found["step"] or 0)
    return [first + step * i for i in range(times + 1)]


DEFAULT_START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday: tests count from here unless they say otherwise

_SERIES_PATTERN = re.compile(r"\s*(?P<name>\w+)\s*(?:\{(?P<labels>.*)\})?\s*")
_LABEL_PATTERN = re.compile(r'\s*(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')


class InputSeries(RuleFileModel):
    """Figures of a metric of one slice, or of a gauge, one each `interval`."""

    series: str = Field(description='a metric and its slice: escalation_rate{task_type="chat"}')
    values: str = Field(description="expanding notation: 0.1x10 0.5x30")
    n: int = Field(1000, ge=0, description="rows that each figure rests on")

    @field_validator("series")
    @classmethod
    def _readable(cls, text: str) -> str:
        """Refuse what cannot be read, and names that neither catalogue nor server knows."""
        name, _ = parse_series_name(text)
        if name not in {*CATALOG, *GAUGES}:
            raise ValueError(f"no metric or gauge named '{name}'{did_you_mean(name, {*CATALOG, *GAUGES})}")
        return text

    @field_validator("values")
    @classmethod
    def _expandable(cls, text: str) -> str:
        """Refuse what cannot be expanded."""
        expand_series(text)
        return text


class InputRows(BaseModel):
    """Rows of one kind: `count` of them each `every`, at from, from + every, ... before `to`; all else are columns."""

    model_config = ConfigDict(extra="allow", frozen=True)

    from_: SignedRuleDuration = Field(
        ZERO_DURATION, alias="from", description="the first moment, from the start of the test; may be negative"
    )
    to: SignedRuleDuration = Field(ONE_MINUTE, description="the moment after the last")
    every: RuleDuration = Field(ONE_MINUTE, gt=ZERO_DURATION)
    count: int = Field(1, ge=1, le=10_000)

    @property
    def columns(self) -> Mapping[str, Any]:
        """The columns given."""
        return self.model_extra or {}


class InputEvent(RuleFileModel):
    """A change that somebody tells of."""

    at: SignedRuleDuration = ZERO_DURATION
    kind: EventKind
    title: str


class ExpectedAlert(RuleFileModel):
    """An alert that must fire. All labels but `alertname` are compared; annotations where they are given."""

    exp_labels: Mapping[str, str] = Field(default_factory=dict)
    exp_annotations: Mapping[str, str] | None = None


class AlertCheck(RuleFileModel):
    """Which alerts of a rule fire at a moment, and no others."""

    eval_time: RuleDuration
    alertname: str
    exp_alerts: tuple[ExpectedAlert, ...] = ()


class RuleTestCase(RuleFileModel):
    """Inputs, and what must fire when."""

    name: str = ""
    start: datetime = Field(DEFAULT_START, description="when the test begins")
    interval: RuleDuration = Field(ONE_MINUTE, gt=ZERO_DURATION, description="between two samples of a series")
    input_series: tuple[InputSeries, ...] = ()
    input_requests: tuple[InputRows, ...] = ()
    input_attempts: tuple[InputRows, ...] = ()
    input_events: tuple[InputEvent, ...] = ()
    weekly_budget_usd: float = Field(0, ge=0)
    alert_rule_test: tuple[AlertCheck, ...] = Field(min_length=1)


class RuleTestFile(RuleFileModel):
    """A file of tests."""

    rule_files: tuple[str, ...] = Field((), description="beside this file; without: X.yaml of X.test.yaml")
    evaluation_interval: RuleDuration = Field(ONE_MINUTE, gt=ZERO_DURATION)
    tests: tuple[RuleTestCase, ...] = Field(min_length=1)


def parse_series_name(text: str) -> tuple[str, Mapping[str, str]]:
    """A series' name and labels. Raises ValueError."""
    found = _SERIES_PATTERN.fullmatch(text)
    inside = (found and found["labels"]) or ""
    pairs = _LABEL_PATTERN.findall(inside)
    if found is None or _LABEL_PATTERN.sub("", inside).strip():
        raise ValueError(f"'{text}' is no series; write escalation_rate{{task_type=\"chat\"}}")
    return found["name"], {name: re.sub(r"\\(.)", r"\1", value) for name, value in pairs}
