"""What all of alerting speaks of: label sets, what rules find, alerts, and their episodes as delivery sees them."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from controlsurface.config.label_matchers import Labels

# Sorted by name; a label without a value is no label (as in Prometheus), and so is not here.
LabelSet = tuple[tuple[str, str], ...]

ALERT_NAME_LABEL = "alertname"


def label_set(*layers: Mapping[str, str | None]) -> LabelSet:
    """The label set of several layers, of which later ones win.

    >>> label_set({"lane": "small", "team": None}, {"severity": "page"})
    (('lane', 'small'), ('severity', 'page'))
    """
    merged = {name: value for layer in layers for name, value in layer.items()}
    return tuple(sorted((name, value) for name, value in merged.items() if value))


def format_labels(found: Iterable[tuple[str, str]]) -> str:
    """The label set as people write it: `{lane="small"}`."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in found) + "}"


AlertState = Literal["pending", "firing", "resolved"]


@dataclass(frozen=True, slots=True)
class RuleReading:
    """What a rule finds for one slice. `breach` None: there are too few events to say.

    `slice` holds the dimensions and their values (None: unknown). `threshold` is what the value was held against;
    `before` what it was in the baseline; `onset` when it is estimated to have begun. `evidence` is JSON to be shown.
    """

    slice: Mapping[str, str | None]
    breach: bool | None
    value: float | None = None
    n: int | None = None
    low: float | None = None
    high: float | None = None
    threshold: float | None = None
    before: float | None = None
    onset: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """One instance of a rule: all that is known of a label set, and all that a restart must not forget.

    Times are UTC. `seen_at` is when there was last enough data to judge.
    """

    rule: str
    labels: LabelSet
    state: AlertState
    active_at: datetime
    reading: RuleReading
    seen_at: datetime
    annotations: Mapping[str, str] = field(default_factory=dict)
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    keep_firing_since: datetime | None = None

    @property
    def began(self) -> datetime:
        """The estimated onset, else when the breach was first seen."""
        return self.reading.onset or self.active_at


@dataclass(frozen=True, slots=True)
class AlertTransition:
    """An alert after a change of state, and the state before (None: there was no alert).

    `alert` None: a pending alert went away and nothing was ever sent.
    """

    rule: str
    labels: LabelSet
    was: AlertState | None
    alert: Alert | None
    at: datetime


SHARE_ABOVE_KEY = "share_above"  # of evidence: the quantile of the baseline above which rows were counted


class AlertSnapshot(BaseModel):
    """What the rule knows about an instance when it fires; None is unknown.

    `value` and `before` are in `unit`: the metric's, or where evidence has SHARE, that of the share of rows above its
    usual values. `contributors_of` is the metric whose contributors are looked for where the rule is about no metric of
    its own, as a budget is about cost. `low` and `high` bound the value's interval, `n` is what it rests on.
    `where` selects the slice (`dimension:value`), `over_s` is the length of the window looked at, in seconds; `above`
    tells on which side of `threshold` the breach is. `evidence` is what the detector shows.
    """

    model_config = ConfigDict(frozen=True)

    rule: str
    kind: str = ""
    metric: str | None = None
    contributors_of: str | None = None
    unit: str = ""
    where: tuple[str, ...] = ()
    over_s: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    before: float | None = None
    threshold: float | None = None
    above: bool = True
    onset: datetime | None = None
    evidence: dict[str, Any] = {}
    false_alarms_per_week: float | None = None
    annotations: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Episode:
    """One firing of one instance. `key` is the same in every message about it; `ends_at` None: it fires."""

    key: str
    labels: Labels
    starts_at: datetime
    ends_at: datetime | None
    facts: AlertSnapshot

    @property
    def fires(self) -> bool:
        """Whether it is not over."""
        return self.ends_at is None


def dedup_key(rule: str, labels: Mapping[str, str], onset: datetime) -> str:
    """The name of an episode: a hash of rule, labels and onset, 32 hex digits."""
    parts = [rule, *(f"{name}\0{value}" for name, value in sorted(labels.items())), onset.isoformat()]
    return hashlib.sha256("\1".join(parts).encode()).hexdigest()[:32]
