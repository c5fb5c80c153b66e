"""What an evaluation finds and what is known of each alert: plain values that the whole of alerting passes on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from controlsurface.alerting.model.alert_labels import Labels

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
    labels: Labels
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
    labels: Labels
    was: AlertState | None
    alert: Alert | None
    at: datetime
