"""When would rules have fired? The same judging and the same life of alerts as live, over what is stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from controlsurface.alerting.evaluation.alert_state_machine import ActiveAlerts
from controlsurface.alerting.evaluation.evaluator import EvaluationContext, fetch_inputs
from controlsurface.alerting.evaluation.rule_engine import RuleEvaluation, evaluate_alerts
from controlsurface.alerting.model.alert import Alert
from controlsurface.alerting.model.alert_labels import Labels
from controlsurface.alerting.rules.rule_models import AlertRule
from controlsurface.metrics.queries.replay_query import ReplayMoments

CHUNK_MOMENTS = 720  # moments asked for at once


@dataclass(frozen=True, slots=True)
class ReplayedMoment:
    """One moment of a replay: what was found, and the state of all alerts after it."""

    at: datetime
    found: RuleEvaluation
    active: Mapping[str, ActiveAlerts]


@dataclass(frozen=True, slots=True)
class BacktestFiring:
    """One time that an alert would have fired; `until` None: it still does."""

    alert: Alert
    since: datetime
    until: datetime | None


def replay_rules(
    rules: Sequence[AlertRule], sight: EvaluationContext, moments: ReplayMoments
) -> Iterator[ReplayedMoment]:
    """The rules evaluated at each moment, from no alerts on."""
    active: dict[str, ActiveAlerts] = {}
    for chunk in split_moments(moments):
        seen = fetch_inputs(rules, sight, chunk)
        at = chunk.first
        while at <= chunk.last:
            found = evaluate_alerts(seen, active, at)
            active |= found.active
            yield ReplayedMoment(at, found, dict(active))
            at += chunk.every


def collect_firings(moments: Iterator[ReplayedMoment]) -> list[BacktestFiring]:
    """Each time an alert would have fired, in order of time."""
    found: list[BacktestFiring] = []
    open_: dict[tuple[str, Labels], int] = {}
    for moment in moments:
        for move in moment.found.transitions:
            key = move.rule, move.labels
            if move.alert and move.alert.state == "firing":
                open_[key] = len(found)
                found.append(BacktestFiring(move.alert, moment.at, None))
            elif key in open_:
                i = open_.pop(key)
                found[i] = replace(found[i], until=moment.at)
    return found


def split_moments(moments: ReplayMoments) -> Iterator[ReplayMoments]:
    """The moments in pieces that fit into memory."""
    length: timedelta = moments.every * (CHUNK_MOMENTS - 1)
    first = moments.first
    while first <= moments.last:
        yield ReplayMoments(first, min(first + length, moments.last), moments.every)
        first += length + moments.every
