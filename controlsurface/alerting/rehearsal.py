"""The question when a rule would have fired: answered where the store is, asked from anywhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field, TypeAdapter, ValidationError

from controlsurface.alerting.advance import Active, advance, instances
from controlsurface.alerting.backtest import Firing, Played, firings, played
from controlsurface.alerting.detectors import detectors, history
from controlsurface.alerting.engine import Found, aligned
from controlsurface.alerting.evaluate import Sight
from controlsurface.alerting.kept import written
from controlsurface.alerting.rules import RULES, AnyRule, DriftRule, GaugeRule, LaneRule, Rule
from controlsurface.errors import BadRequest
from controlsurface.explanations import explain
from controlsurface.metrics.arguments import Arguments
from controlsurface.metrics.moments import Moments
from controlsurface.metrics.statement import Statement
from controlsurface.metrics.times import Every, Instant
from controlsurface.reader.asking import Answer, Ground, Query, ReadEndpoint
from controlsurface.reader.columns import FIGURE, NUMBER, TEXT, TIME, columns
from controlsurface.store.named_query import NamedQuery

LANES_EVERY = timedelta(hours=1)  # a lane rule reads histograms of whole hours
TIMEOUT_S = 120

_RULE: TypeAdapter[Any] = TypeAdapter(AnyRule)
_TIME = pa.timestamp("us", "UTC")
_KINDS: dict[str, pa.DataType] = {"rule": pa.string(), "labels": pa.string(), "since": _TIME, "until": _TIME}
_KINDS |= dict.fromkeys(("value", "low", "high", "threshold", "before"), pa.float64())
_SCHEMA = pa.schema(_KINDS | {"n": pa.int64(), "onset": _TIME})


class BacktestArgs(Arguments):
    """A rule and a window."""

    definition: str = Field(max_length=20_000, description="one rule as JSON, as rule files have it")
    start: Instant = Field(description="first evaluation, RFC 3339 or relative (-28d)")
    end: Instant = Field(description="last evaluation, RFC 3339 or relative (now)")
    every: Every = Field(timedelta(minutes=5), ge=timedelta(minutes=1), description="from one evaluation to the next")

    @property
    def rule(self) -> Rule:
        """The rule. Raises BadRequest naming every problem."""
        try:
            found: Rule = _RULE.validate_json(self.definition)
        except ValidationError as problem:
            place = problem.errors()[0]["loc"]
            kind = next((rule for name, rule in RULES.items() if place[:1] == (name,)), Rule)
            raise BadRequest("; ".join(explain(problem, kind, "field", inside=1))) from None
        return found


@dataclass(frozen=True, slots=True)
class _Stored:
    """The store as rules ask it, over a question's ground."""

    ground: Ground

    def query(self, query: NamedQuery, timeout_s: float = TIMEOUT_S) -> pa.Table:
        """Run a query."""
        return self.ground.rows(Statement(query.sql, query.parameters, query.name))


@dataclass(frozen=True, slots=True)
class Backtest(Query[Answer]):
    """Rows: rule, labels (JSON), since, until (null: it still fires), value, n, low, high, threshold, before, onset."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/rules/backtest",
        "backtest",
        "When a rule would have fired",
        columns(
            rule=TEXT,
            labels=TEXT,
            since=TIME,
            until=TIME,
            onset=TIME,
            **dict.fromkeys(("value", "n", "low", "high", "threshold", "before"), FIGURE),
        ),
        columns(elapsed_ms=NUMBER),
    )
    arguments: BacktestArgs

    def answered(self, ground: Ground) -> Answer:
        """Replay the rule. Raises BadRequest for rules about what is not kept."""
        began, args, rule = perf_counter(), self.arguments, self.arguments.rule
        found = firings(replayed(rule, _Stored(ground), args, ground.config.alerts.weekly_budget_usd))
        rows = pa.Table.from_pylist([_row(each) for each in found], _SCHEMA)
        return Answer(rows, {"elapsed_ms": round((perf_counter() - began) * 1e3, 3)})


def replayed(rule: Rule, store: Any, args: BacktestArgs, weekly_budget_usd: float = 0) -> Iterator[Played]:
    """The rule at every moment of the window; a drift rule only at those when something changes."""
    if isinstance(rule, GaugeRule):
        raise BadRequest(f"{rule.alert}: figures of the server itself are not kept, so nothing can be replayed")
    if isinstance(rule, DriftRule):
        return _drifted(rule, store, args)
    every = max(args.every, LANES_EVERY) if isinstance(rule, LaneRule) else args.every
    moments = Moments(aligned(args.start, every), aligned(args.end, every), every)
    sight = Sight(store, detectors=detectors(store), weekly_budget_usd=weekly_budget_usd, timeout_s=TIMEOUT_S)
    return _checked(played([rule], sight, moments))


def _checked(moments: Iterator[Played]) -> Iterator[Played]:
    """The moments. Raises BadRequest where the rule could not be evaluated."""
    for moment in moments:
        for error in moment.found.errors.values():
            if error:
                raise BadRequest(error)
        yield moment


def _drifted(rule: DriftRule, store: Any, args: BacktestArgs) -> Iterator[Played]:
    """The life of a drift rule's alerts, from its detector's own replay."""
    active: Active = {}
    for at, readings in history(store, rule, args.start, args.end):
        step = advance(rule, active, instances(rule, readings), at)
        active = step.active
        yield Played(at, Found({rule.alert: step}, {rule.alert: None}), {rule.alert: active})


def _row(firing: Firing) -> dict[str, Any]:
    """One firing as a row."""
    reading = firing.alert.reading
    figures = {name: getattr(reading, name) for name in ("value", "n", "low", "high", "threshold", "before", "onset")}
    labels = written(firing.alert.labels)
    return {"rule": firing.alert.rule, "labels": labels, "since": firing.since, "until": firing.until, **figures}


def window(since: timedelta) -> tuple[datetime, datetime]:
    """The last so much of time, until now."""
    now = datetime.now(UTC)
    return now - since, now
