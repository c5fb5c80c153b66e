"""An alert as delivery sees it: one episode, from the moment it fires until it is over, and what is known of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from controlsurface.config.label_matchers import Labels

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
