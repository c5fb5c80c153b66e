"""Changes around the router as readings of event rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from controlsurface.alerting.rules import EventRule
from controlsurface.alerting.state import Reading
from controlsurface.metrics.asking import ask_events
from controlsurface.metrics.events import EventsArgs
from controlsurface.store.named_query import QueryEngine


@dataclass(frozen=True, slots=True)
class Change:
    """One change, told or found in the requests."""

    at: datetime
    kind: str
    title: str
    detail: str | None
    source: str


def changes(store: QueryEngine, start: datetime, end: datetime, timeout_s: float = 30) -> Sequence[Change]:
    """The changes of a window, in order of time."""
    found = ask_events(partial(store.query, timeout_s=timeout_s), EventsArgs(start=start, end=end))
    rows = found.to_pylist()
    return [Change(**row) for row in rows]


def longest(rules: Sequence[EventRule]) -> timedelta:
    """How far back the rules look."""
    return max(rule.over for rule in rules)


def happened(rule: EventRule, found: Sequence[Change], now: datetime) -> list[Reading]:
    """One reading for each change that matters to the rule; of the same kind and title only the last."""
    recent = (each for each in found if now - rule.over <= each.at < now)
    return list({(change.kind, change.title): reading for change, reading in _readings(rule, recent)}.values())


def _readings(rule: EventRule, found: Iterator[Change]) -> Iterator[tuple[Change, Reading]]:
    for change in found:
        if change.kind in rule.event.kinds and rule.event.title in change.title:
            evidence: Mapping[str, str | None] = {"detail": change.detail, "source": change.source}
            slice_ = {"kind": change.kind, "title": change.title}
            yield change, Reading(slice_, breach=True, onset=change.at, evidence=evidence)
