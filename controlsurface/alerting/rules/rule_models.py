"""What a rule file may say: groups of rules in Prometheus's words. These models are the only schema.

| kind      | has                    | fires                                                               |
|-----------|------------------------|---------------------------------------------------------------------|
| threshold | `above` or `below`     | while a metric over a window is beyond a bound                      |
| drift     | `drift`                | when a proportion has left its baseline                             |
| lanes     | `lanes`                | while the fast lane is not fast, or a lane hides a second mode      |
| event     | `event`                | for a while after something changed around the router               |
| budget    | `budget`               | while money is spent faster than its budget allows                  |
| gauge     | `gauge`                | while a figure of the server itself is beyond a bound               |
| heartbeat | `heartbeat`            | always: whoever stops hearing it knows that alerting has stopped    |
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from controlsurface.alerting.model import ALERT_NAME_LABEL
from controlsurface.alerting.rules.proportions import proportion_of_metric
from controlsurface.alerting.rules.rule_values import GAUGES, RuleDuration
from controlsurface.errors import BadRequest, UnknownName, did_you_mean
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries.metric_query import find_metric
from controlsurface.query import dimensions

ZERO_DURATION = timedelta()
ONE_MINUTE = timedelta(minutes=1)
ONE_DAY = timedelta(days=1)

RuleKind = Literal["threshold", "drift", "lanes", "event", "budget", "gauge", "heartbeat"]
NoDataPolicy = Literal["keep_last", "ok", "alert"]
EventKind = Literal["deploy", "model", "price", "config", "other"]
FilterValues = tuple[str | None, ...]

_LABEL_NAME_PATTERN = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class RuleFileModel(BaseModel):
    """A table of a rule file: unknown fields are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AlertRule(RuleFileModel):
    """What all rules have. `alert` is the rule's name, unique among all files."""

    kind: ClassVar[RuleKind]

    alert: str = Field(min_length=1, max_length=100, description="name of the alert; the label `alertname`")
    for_: RuleDuration = Field(
        ZERO_DURATION, alias="for", ge=ZERO_DURATION, description="how long in breach before it fires"
    )
    keep_firing_for: RuleDuration = Field(
        ZERO_DURATION, ge=ZERO_DURATION, description="how long it fires on after the last breach"
    )
    labels: Mapping[str, str] = Field(default_factory=dict, description="labels added to each alert")
    annotations: Mapping[str, str] = Field(default_factory=dict, description="texts; may name {{ $labels.x }}")

    @field_validator("labels")
    @classmethod
    def _labels(cls, found: Mapping[str, str]) -> Mapping[str, str]:
        """Refuse what Prometheus would."""
        for name in found:
            if name == ALERT_NAME_LABEL or not _LABEL_NAME_PATTERN.fullmatch(name):
                raise ValueError(f"'{name}' cannot be a label's name")
        return found

    @property
    def where_pairs(self) -> tuple[str, ...]:
        """The rule's own filter as `dimension:value`, as a query takes it."""
        return ()

    @property
    def label_names(self) -> set[str]:
        """Labels that an alert of this rule may have."""
        return {ALERT_NAME_LABEL, *self.labels}


class SliceRule(AlertRule):
    """A rule about slices of the traffic: one alert for each combination of `by`."""

    by: tuple[str, ...] = Field((), max_length=4, description="dimensions; one alert for each combination of values")
    no_data: NoDataPolicy = Field(
        "keep_last", description="what too few events mean: as before, all is well, or an alert"
    )
    known_for: RuleDuration = Field(
        ONE_DAY, ge=ZERO_DURATION, description="how long a slice without data is still waited for"
    )
    where: Mapping[str, FilterValues] = Field(
        default_factory=dict, description="keep rows of these values; null: unknown"
    )

    @field_validator("where", mode="before")
    @classmethod
    def _listed(cls, found: object) -> object:
        """A value is a list of one."""
        if not isinstance(found, Mapping):
            return found
        return {name: each if isinstance(each, list | tuple) else [each] for name, each in found.items()}

    @field_validator("by", "where")
    @classmethod
    def _some_dimension(cls, found: Iterable[str]) -> Iterable[str]:
        """Refuse what no source of rows has."""
        known = dict.fromkeys(name for names in dimensions.DIMENSIONS.values() for name in names)
        for name in found:
            if name not in known:
                raise ValueError(f"no dimension named '{name}'{did_you_mean(name, known)}")
        return found

    @model_validator(mode="after")
    def _dimensions(self) -> Self:
        """Refuse dimensions that the rule's rows do not have."""
        for name in (*self.by, *self.where):
            try:
                dimensions.dimension_column(self.source, name)
            except UnknownName as problem:
                raise ValueError(str(problem)) from None
        return self

    @property
    def source(self) -> dimensions.RowSource:
        """Which rows it is about: requests, attempts, ..."""
        return "requests"

    @property
    def where_pairs(self) -> tuple[str, ...]:
        """The filter as a query takes it."""
        return tuple(f"{name}:{value or ''}" for name, values in self.where.items() for value in values)

    @property
    def label_names(self) -> set[str]:
        """The dimensions too."""
        return {ALERT_NAME_LABEL, *self.by, *self.labels}


class MetricRule(SliceRule):
    """A rule about a metric of the catalogue."""

    metric: str = Field(description="a metric of the catalogue", json_schema_extra={"enum": list(CATALOG)})

    @field_validator("metric")
    @classmethod
    def _known(cls, name: str) -> str:
        """Refuse what the catalogue does not have."""
        return _known_metric(name)

    @property
    def source(self) -> dimensions.RowSource:
        """Those of the metric."""
        return self.measured.source

    @property
    def measured(self) -> Metric:
        """The metric."""
        return CATALOG[self.metric]


class MetricBound(RuleFileModel):
    """A bound that is a figure itself: another metric, or the same one some time ago, times a factor."""

    metric: str | None = Field(None, description="the metric to compare with; without: the rule's own")
    offset: RuleDuration = Field(ZERO_DURATION, ge=ZERO_DURATION, description="measured so long ago")
    over: RuleDuration | None = Field(
        None, ge=ONE_MINUTE, description="window that is measured; without: the rule's own"
    )
    limit: float | None = Field(None, description="`above` is never below it, `below` never above")
    times: float = Field(1, gt=0, description="factor on the figure that is compared with")

    @field_validator("metric")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        """Refuse what the catalogue does not have."""
        return name and _known_metric(name)


def _bound_tag(found: Any) -> str:
    """Whether a bound means to be a number or another figure."""
    return "other" if isinstance(found, Mapping | MetricBound) else "number"


RuleBound = Annotated[Annotated[float, Tag("number")] | Annotated[MetricBound, Tag("other")], Discriminator(_bound_tag)]


class ThresholdRule(MetricRule):
    """Fires while the metric over the last `over` is above or below a bound."""

    kind: ClassVar[RuleKind] = "threshold"

    over: RuleDuration = Field(timedelta(minutes=15), ge=ONE_MINUTE, description="window that is measured, up to now")
    above: RuleBound | None = Field(None, description="in breach when greater")
    below: RuleBound | None = Field(None, description="in breach when smaller")
    judge: Literal["value", "interval"] = Field("value", description="interval: only when all of it is beyond")
    min_count: int = Field(1, ge=0, description="rows under which there is no data")

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        """Either above or below; an interval only where the metric has one."""
        if (self.above is None) == (self.below is None):
            raise ValueError("give either 'above' or 'below'")
        if self.judge == "interval" and self.measured.kind != "ratio":
            raise ValueError(f"'{self.metric}' has no interval; only ratios have")
        return self

    @property
    def bound(self) -> RuleBound:
        """What the metric is held against."""
        found = self.below if self.above is None else self.above
        assert found is not None  # noqa: S101 - validated
        return found


class DriftTolerance(RuleFileModel):
    """How far a proportion may wander."""

    tolerance: float = Field(1.2, ge=1, description="odds within this factor of the baseline's are no drift")


class DriftRule(MetricRule):
    """Fires when a proportion has left its anchored baseline."""

    kind: ClassVar[RuleKind] = "drift"

    drift: DriftTolerance

    @model_validator(mode="after")
    def _a_proportion(self) -> Self:
        """Refuse metrics that no proportion stands for."""
        try:
            proportion_of_metric(self.measured)
        except BadRequest as problem:
            raise ValueError(str(problem).removeprefix("metric: ")) from None
        return self


class LaneCheck(RuleFileModel):
    """Two lanes and what is asked of them."""

    check: Literal["separation", "hidden_mode"] = "separation"
    fast: str = "small"
    slow: str = "large"


class LaneRule(SliceRule):
    """Fires while the fast lane is not fast, or while a lane's latency hides a second mode."""

    kind: ClassVar[RuleKind] = "lanes"

    lanes: LaneCheck
    over: RuleDuration = Field(ONE_DAY, ge=ONE_MINUTE, description="window that is measured, up to now")
    min_count: int = Field(200, ge=1, description="requests of each lane under which there is no data")

    @property
    def label_names(self) -> set[str]:
        """A mode is hidden in one lane."""
        own = {"lane"} if self.lanes.check == "hidden_mode" else set[str]()
        return {ALERT_NAME_LABEL, *self.by, *self.labels, *own}


class EventMatch(RuleFileModel):
    """Which changes around the router matter."""

    kinds: tuple[EventKind, ...] = Field(min_length=1, description="deploy, model, price, config, other")
    title: str = Field("", max_length=200, description="only changes whose title holds this text")


class EventRule(AlertRule):
    """Fires for `over` after a change, told or found in the requests: one alert for each, labels kind and title."""

    kind: ClassVar[RuleKind] = "event"

    event: EventMatch
    over: RuleDuration = Field(timedelta(hours=1), ge=ONE_MINUTE, description="how long it fires after the change")

    @property
    def label_names(self) -> set[str]:
        """What changed, too."""
        return {ALERT_NAME_LABEL, "kind", "title", *self.labels}


class SpendBudget(RuleFileModel):
    """Money for a period."""

    usd: float | None = Field(None, gt=0, description="without: `alerts.weekly_budget_usd` of the configuration")
    period: RuleDuration = Field(timedelta(days=7), ge=timedelta(hours=1), description="what the money is for")
    burn: float = Field(1, gt=0, description="in breach when money goes so many times faster than the budget allows")


class BudgetRule(SliceRule):
    """Fires while cost over `over`, and over a twelfth of it, runs ahead of the budget."""

    kind: ClassVar[RuleKind] = "budget"

    budget: SpendBudget
    over: RuleDuration = Field(timedelta(hours=6), ge=timedelta(minutes=12), description="window that is measured")

    @property
    def source(self) -> dimensions.RowSource:
        """Money is spent by model calls."""
        return "attempts"


class GaugeRule(AlertRule):
    """Fires while a figure of the server itself is above a bound."""

    kind: ClassVar[RuleKind] = "gauge"

    gauge: str = Field(description="a figure of the server", json_schema_extra={"enum": list(GAUGES)})
    above: float = Field(description="in breach when greater")

    @field_validator("gauge")
    @classmethod
    def _known(cls, name: str) -> str:
        """Refuse what the server does not measure."""
        if name not in GAUGES:
            raise ValueError(f"no gauge named '{name}'{did_you_mean(name, GAUGES)}")
        return name


class HeartbeatRule(AlertRule):
    """Always fires."""

    kind: ClassVar[RuleKind] = "heartbeat"

    heartbeat: Literal[True]


RULE_CLASSES: Mapping[RuleKind, type[AlertRule]] = {
    each.kind: each for each in (ThresholdRule, DriftRule, LaneRule, EventRule, BudgetRule, GaugeRule, HeartbeatRule)
}


def detect_rule_kind(found: Any) -> RuleKind:
    """Which kind of rule a table means to be: its telling field has the kind's name; a threshold rule has none."""
    if isinstance(found, AlertRule):
        return found.kind
    given = [str(name) for name in found] if isinstance(found, Mapping) else []
    telling = [kind for kind in RULE_CLASSES if kind in given]
    misspelt = (kind for kind in RULE_CLASSES if "metric" not in given and get_close_matches(kind, given, cutoff=0.8))
    return telling[0] if telling else next(misspelt, "threshold")


AnyRule = Annotated[
    Annotated[ThresholdRule, Tag("threshold")]
    | Annotated[DriftRule, Tag("drift")]
    | Annotated[LaneRule, Tag("lanes")]
    | Annotated[EventRule, Tag("event")]
    | Annotated[BudgetRule, Tag("budget")]
    | Annotated[GaugeRule, Tag("gauge")]
    | Annotated[HeartbeatRule, Tag("heartbeat")],
    Discriminator(detect_rule_kind),
]


class RuleGroup(RuleFileModel):
    """Rules that are evaluated together, every `interval`."""

    name: str = Field(min_length=1, max_length=100)
    interval: RuleDuration = Field(ONE_MINUTE, ge=timedelta(seconds=1), description="from one evaluation to the next")
    rules: tuple[AnyRule, ...] = Field(min_length=1)


class RuleOverride(RuleFileModel):
    """What differs from the rule of that name in another file: its fields, merged key by key; null removes one."""

    model_config = ConfigDict(extra="allow")

    alert: str = Field(min_length=1, max_length=100, description="name of the rule, in another file")

    @property
    def changes(self) -> Mapping[str, Any]:
        """The fields that differ, as the file has them."""
        return self.model_extra or {}


class RuleFile(RuleFileModel):
    """A file of rules, or of what differs from rules of other files."""

    groups: tuple[RuleGroup, ...] = ()
    overrides: tuple[RuleOverride, ...] = Field((), description="what differs from rules of other files")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        """Refuse a file that says nothing, unless it says that there are no overrides."""
        if not self.groups and "overrides" not in self.model_fields_set:
            raise ValueError("give 'groups' of rules or 'overrides'")
        return self


def _known_metric(name: str) -> str:
    """The metric's name. Raises ValueError with the nearest one."""
    try:
        return find_metric(name).id
    except UnknownName as problem:
        raise ValueError(str(problem)) from None
