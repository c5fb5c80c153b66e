"""When would rules have fired? The same evaluation and the same life of alerts as live, over what is stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field, TypeAdapter, ValidationError

from controlsurface.alerting.detector_registry import create_detectors
from controlsurface.alerting.detectors.drift.drift_engine import replay_drift_rule
from controlsurface.alerting.evaluation.alert_state_machine import ActiveAlerts, advance_alerts, readings_by_labels
from controlsurface.alerting.evaluation.alert_store import labels_to_json
from controlsurface.alerting.evaluation.evaluator import EvaluationContext, fetch_inputs
from controlsurface.alerting.evaluation.rule_engine import RuleEvaluation, align_to_interval, evaluate_alerts
from controlsurface.alerting.model import Alert, LabelSet
from controlsurface.alerting.rules.rule_models import RULE_CLASSES, AlertRule, AnyRule, DriftRule, GaugeRule, LaneRule
from controlsurface.client.arrow_tables import FIGURE, NUMBER, TEXT, TIME, columns
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.errors import BadRequest
from controlsurface.explanations import explain
from controlsurface.metrics.queries.replay_query import ReplayMoments
from controlsurface.query.arguments import Arguments, Instant, StepLength
from controlsurface.query.statement import Statement
from controlsurface.store.named_query import NamedQuery

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
    open_: dict[tuple[str, LabelSet], int] = {}
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


LANE_RULE_STEP = timedelta(hours=1)  # a lane rule reads histograms of whole hours
BACKTEST_TIMEOUT_S = 120

_RULE_ADAPTER: TypeAdapter[Any] = TypeAdapter(AnyRule)
_TIMESTAMP_TYPE = pa.timestamp("us", "UTC")
_COLUMN_TYPES: dict[str, pa.DataType] = dict.fromkeys(("rule", "labels"), pa.string())
_COLUMN_TYPES |= dict.fromkeys(("since", "until"), _TIMESTAMP_TYPE)
_COLUMN_TYPES |= dict.fromkeys(("value", "low", "high", "threshold", "before"), pa.float64())
_FIRINGS_SCHEMA = pa.schema(_COLUMN_TYPES | {"n": pa.int64(), "onset": _TIMESTAMP_TYPE})


class BacktestArgs(Arguments):
    """A rule and a window."""

    definition: str = Field(max_length=20_000, description="one rule as JSON, as rule files have it")
    start: Instant = Field(description="first evaluation, RFC 3339 or relative (-28d)")
    end: Instant = Field(description="last evaluation, RFC 3339 or relative (now)")
    every: StepLength = Field(
        timedelta(minutes=5), ge=timedelta(minutes=1), description="from one evaluation to the next"
    )

    @property
    def rule(self) -> AlertRule:
        """The rule. Raises BadRequest naming every problem."""
        try:
            found: AlertRule = _RULE_ADAPTER.validate_json(self.definition)
        except ValidationError as problem:
            place = problem.errors()[0]["loc"]
            kind = next((rule for name, rule in RULE_CLASSES.items() if place[:1] == (name,)), AlertRule)
            raise BadRequest("; ".join(explain(problem, kind, "field", inside=1))) from None
        return found


@dataclass(frozen=True, slots=True)
class SessionStore:
    """The store as rules ask it, over a query's session."""

    session: StoreSession

    def query(self, query: NamedQuery, timeout_s: float = BACKTEST_TIMEOUT_S) -> pa.Table:
        """Run a query."""
        return self.session.rows(Statement(query.sql, query.parameters, query.name))


@dataclass(frozen=True, slots=True)
class BacktestQuery(Query[Result]):
    """Rows: rule, labels (JSON), since, until (null: it still fires), value, n, low, high, threshold, before, onset."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/rules/backtest",
        "backtest",
        "When a rule would have fired",
        columns(
            **dict.fromkeys(("rule", "labels"), TEXT),
            **dict.fromkeys(("since", "until", "onset"), TIME),
            **dict.fromkeys(("value", "n", "low", "high", "threshold", "before"), FIGURE),
        ),
        columns(elapsed_ms=NUMBER),
    )
    arguments: BacktestArgs

    def run(self, session: StoreSession) -> Result:
        """Replay the rule. Raises BadRequest for rules about what is not kept."""
        began, args, rule = perf_counter(), self.arguments, self.arguments.rule
        moments = replay_rule(rule, SessionStore(session), args, session.config.alerts.weekly_budget_usd)
        rows = pa.Table.from_pylist([_firing_row(each) for each in collect_firings(moments)], _FIRINGS_SCHEMA)
        return Result(rows, {"elapsed_ms": round((perf_counter() - began) * 1e3, 3)})


def replay_rule(
    rule: AlertRule, store: Any, args: BacktestArgs, weekly_budget_usd: float = 0
) -> Iterator[ReplayedMoment]:
    """The rule at every moment of the window; a drift rule only at those when something changes."""
    if isinstance(rule, GaugeRule):
        raise BadRequest(f"{rule.alert}: figures of the server itself are not kept, so nothing can be replayed")
    if isinstance(rule, DriftRule):
        return _replay_drift(rule, store, args)
    every = max(args.every, LANE_RULE_STEP) if isinstance(rule, LaneRule) else args.every
    moments = ReplayMoments(align_to_interval(args.start, every), align_to_interval(args.end, every), every)
    sight = EvaluationContext(
        store, detectors=create_detectors(store), weekly_budget_usd=weekly_budget_usd, timeout_s=BACKTEST_TIMEOUT_S
    )
    return _validate_moments(replay_rules([rule], sight, moments))


def _validate_moments(moments: Iterator[ReplayedMoment]) -> Iterator[ReplayedMoment]:
    """The moments. Raises BadRequest where the rule could not be evaluated."""
    for moment in moments:
        for error in moment.found.errors.values():
            if error:
                raise BadRequest(error)
        yield moment


def _replay_drift(rule: DriftRule, store: Any, args: BacktestArgs) -> Iterator[ReplayedMoment]:
    """The life of a drift rule's alerts, from its detector's own replay."""
    active: ActiveAlerts = {}
    for at, readings in replay_drift_rule(store, rule, args.start, args.end):
        step = advance_alerts(rule, active, readings_by_labels(rule, readings), at)
        active = step.active
        yield ReplayedMoment(at, RuleEvaluation({rule.alert: step}, {rule.alert: None}), {rule.alert: active})


def _firing_row(firing: BacktestFiring) -> dict[str, Any]:
    reading = firing.alert.reading
    figures = {name: getattr(reading, name) for name in ("value", "n", "low", "high", "threshold", "before", "onset")}
    labels = labels_to_json(firing.alert.labels)
    return {"rule": firing.alert.rule, "labels": labels, "since": firing.since, "until": firing.until, **figures}


def window_until_now(since: timedelta) -> tuple[datetime, datetime]:
    """The last so much of time, until now."""
    now = datetime.now(UTC)
    return now - since, now
