"""Changes around the router as readings of event rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from controlsurface.alerting.model.alert import RuleReading
from controlsurface.alerting.rules.rule_models import EventRule
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.metrics.queries.query_runner import run_events
from controlsurface.store.named_query import QueryEngine


@dataclass(frozen=True, slots=True)
class RouterEvent:
    """One change, told or found in the requests."""

    at: datetime
    kind: str
    title: str
    detail: str | None
    source: str


def fetch_router_events(
    store: QueryEngine, start: datetime, end: datetime, timeout_s: float = 30
) -> Sequence[RouterEvent]:
    """The changes of a window, in order of time."""
    found = run_events(partial(store.query, timeout_s=timeout_s), EventsArgs(start=start, end=end))
    rows = found.to_pylist()
    return [RouterEvent(**row) for row in rows]


def longest_event_window(rules: Sequence[EventRule]) -> timedelta:
    """How far back the rules look."""
    return max(rule.over for rule in rules)


def event_rule_readings(rule: EventRule, found: Sequence[RouterEvent], now: datetime) -> list[RuleReading]:
    """One reading for each change that matters to the rule; of the same kind and title only the last."""
    recent = (each for each in found if now - rule.over <= each.at < now)
    return list({(change.kind, change.title): reading for change, reading in _readings(rule, recent)}.values())


def _readings(rule: EventRule, found: Iterator[RouterEvent]) -> Iterator[tuple[RouterEvent, RuleReading]]:
    for change in found:
        if change.kind in rule.event.kinds and rule.event.title in change.title:
            evidence: Mapping[str, str | None] = {"detail": change.detail, "source": change.source}
            slice_ = {"kind": change.kind, "title": change.title}
            yield change, RuleReading(slice_, breach=True, onset=change.at, evidence=evidence)
