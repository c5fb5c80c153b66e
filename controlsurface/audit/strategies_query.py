"""Ways to route, side by side on the same traffic: accuracy, cost, latency, escalation, overhead, break-even volume."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from controlsurface.arrays import Flags
from controlsurface.audit.answer_pairs import float_column, read_audited_rows, select_traffic
from controlsurface.audit.strategy_estimates import StrategyFigures, StrategyTraffic, mix_figures
from controlsurface.audit.traffic_slices import TrafficSlice, usable_rows
from controlsurface.client.arrow_tables import (
    COUNT,
    FIGURE,
    MAYBE_TEXT,
    SHARE,
    TEXT,
    as_dicts,
    column_table,
    columns,
    list_of,
    one_of,
)
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.config import Config
from controlsurface.errors import NotFound
from controlsurface.money.break_even import break_even_requests
from controlsurface.query.arguments import FilteredRange, WeekRange
from controlsurface.query.statement import Statement

STRATEGIES = ("as_routed", "all_small", "all_large", "rules", "classifier", "cascade", "threshold")
_OVERHEAD = Path(__file__).with_suffix(".sql").read_text("utf-8")
_MONEY = ("cost_usd", "latency_ms")


@dataclass(frozen=True, slots=True)
class RouterOverhead:
    """What deciding costs for each request, in calls and in time before the first call; None is unknown."""

    usd: float | None
    ms: float | None


NO_OVERHEAD = RouterOverhead(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class RoutingStrategy:
    """A way to route with its figures (None: nobody can say), its overhead, fixed cost a month, and what it assumes."""

    name: str
    figures: StrategyFigures | None
    overhead: RouterOverhead
    fixed_usd: float | None
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StrategiesQuery(Query[Result]):
    """What each way to route would have done to the requests of a window.

    Strategies: as_routed (what happened), all_small, all_large, rules (a task type goes to the small lane where that is
    right in `profile.alone` of its answers, by the lower end of the interval), classifier (the same, decided rightly in
    `advice.classifier_accuracy`), cascade (the small lane first, the large one below the threshold of now), threshold
    (one of both lanes by the confidence and threshold of now).

    Quality is 1 for right (`quality_is` says by whose word); without evidence it is null and lies between
    quality_lowest and quality_highest. cost_usd and latency_ms are means of a request; overhead_usd and overhead_ms are
    what deciding adds (of a cascade the calls in vain, which are in cost_usd already). break_even_requests are those a
    month from which it costs less than all_large; null: never, or not known. quality_n and cost_n are the answers that
    a figure rests on, unsupported_share the requests whose other answer nothing tells of, priced_share those whose own
    cost is known.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/strategies",
        "strategies",
        "Ways to route, compared on the same traffic, or why nobody can say",
        columns(
            strategy=one_of(*STRATEGIES),
            n=COUNT,
            evidence=one_of("pairs", "none"),
            **dict.fromkeys(("escalation_rate", "escalation_rate_low", "escalation_rate_high"), SHARE),
            **dict.fromkeys(("quality", "quality_low", "quality_high", "quality_lowest", "quality_highest"), SHARE),
            quality_n=COUNT,
            **dict.fromkeys([f"{name}{end}" for name in _MONEY for end in ("", "_low", "_high")], FIGURE),
            cost_n=COUNT,
            **dict.fromkeys(("unsupported_share", "priced_share"), SHARE),
            **dict.fromkeys(("overhead_usd", "overhead_ms", "break_even_requests"), FIGURE),
            assumptions=list_of(TEXT),
        ),
        columns(quality_is=MAYBE_TEXT, n=COUNT, left_out=COUNT, small_tasks=list_of(TEXT)),
        problems=("404",),
    )
    arguments: WeekRange

    def run(self, session: StoreSession) -> Result:
        """From the traffic and its shadows. Raises NotFound without a request that a lane answered."""
        start, end = self.arguments.window
        window = FilteredRange(start=start, end=end)
        table = read_audited_rows(session, select_traffic(window, session.config))
        if not table.num_rows:
            raise NotFound("no request that a small or large lane answered in this window: nothing to compare")
        rows = usable_rows(table, None)
        if not rows.rows.num_rows:  # without confidences, what does not need them can be compared all the same
            rows = TrafficSlice(None, table, None, 0, 0)
        traffic = StrategyTraffic.of(rows)
        small = traffic.passing_tasks(session.config.profile.alone)
        overhead = router_overhead(session, start, end)
        compared = list(_strategies(traffic, small, overhead, session.config))
        n = rows.rows.num_rows
        large = next(each.figures for each in compared if each.name == "all_large")
        priced = {"priced_share": traffic.priced_share()}
        found = [_row(each, n, large) | priced for each in compared]
        named = [str(name) for name, passes in zip(traffic.tasks, small, strict=True) if passes]
        facts = {"quality_is": traffic.basis.words, "n": n, "left_out": table.num_rows - n, "small_tasks": named}
        return Result(column_table(found, self.endpoint.schema), facts)


def router_overhead(session: StoreSession, start: datetime, end: datetime) -> RouterOverhead:
    """What the router of now takes for a request; its calls are unknown where one of them has no price."""
    asked = Statement(_OVERHEAD, {"low": start, "high": end}, "strategies.overhead")
    (row,) = as_dicts(session.rows(asked))
    whole = row["priced"] == row["calls"] and row["requests"]
    return RouterOverhead((row["cost_usd"] or 0.0) / row["requests"] if whole else None, row["routing_ms"])


def _strategies(
    traffic: StrategyTraffic, small: Flags, overhead: RouterOverhead, config: Config
) -> Iterator[RoutingStrategy]:
    """Each of STRATEGIES."""
    n = traffic.rows.rows.num_rows
    fixed = config.advice.router_usd_per_month or None
    none, all_ = np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
    yield RoutingStrategy("as_routed", traffic.escalating(traffic.rows.large), overhead, fixed, ())
    yield RoutingStrategy("all_small", traffic.escalating(none), NO_OVERHEAD, 0.0, ())
    yield RoutingStrategy("all_large", traffic.escalating(all_), NO_OVERHEAD, 0.0, ())
    by_task = ~small[traffic.task]
    rules = traffic.escalating(by_task)
    chosen = ("chosen by the same traffic that it is judged by",)
    free = "telling the task type costs nothing"
    yield RoutingStrategy("rules", rules, NO_OVERHEAD, 0.0, (*chosen, free))
    yield _classifier(traffic, rules, by_task, RoutingStrategy("classifier", None, overhead, fixed, chosen), config)
    yield from _by_threshold(traffic, overhead, fixed)


def _classifier(
    traffic: StrategyTraffic, rules: StrategyFigures, by_task: Flags, strategy: RoutingStrategy, config: Config
) -> RoutingStrategy:
    """The rules, decided rightly as often as the configuration says."""
    accuracy = config.advice.classifier_accuracy
    if not accuracy:
        return replace(strategy, assumptions=("no evidence: advice.classifier_accuracy is not set",))
    wrong = traffic.escalating(~by_task)
    said = (f"right in {accuracy:.1%}, as configured, whatever the request is", "costs what the router of now does")
    return replace(strategy, figures=mix_figures(rules, wrong, accuracy), assumptions=(*strategy.assumptions, *said))


def _by_threshold(traffic: StrategyTraffic, overhead: RouterOverhead, fixed: float | None) -> Iterator[RoutingStrategy]:
    """The cascade and the router of now, by each request's own threshold, else by the usual one."""
    held = float_column(traffic.rows.rows, "threshold")
    confidence = traffic.rows.confidence
    if not (np.isfinite(held).any() and np.isfinite(confidence).all()):
        why = ("no evidence: no request of this window has a confidence and a threshold",)
        yield RoutingStrategy("cascade", None, NO_OVERHEAD, 0.0, why)
        yield RoutingStrategy("threshold", None, overhead, fixed, why)
        return
    up = confidence < np.where(np.isfinite(held), held, np.nanmedian(held))
    at_once, cascade = traffic.escalating(up), traffic.escalating(up, cascade=True)
    usd, ms = (_more(cascade, at_once, name) for name in _MONEY)
    said = ("the small lane's own answer gives the confidence", "one call after the other")
    yield RoutingStrategy("cascade", cascade, RouterOverhead(usd, ms), 0.0, said)
    yield RoutingStrategy("threshold", at_once, overhead, fixed, ("the confidence is known before any call",))


def _more(one: StrategyFigures, other: StrategyFigures, name: str) -> float | None:
    return _known(one.outcomes[name].value[0] - other.outcomes[name].value[0])


def _row(strategy: RoutingStrategy, n: int, large: StrategyFigures | None) -> dict[str, Any]:
    """A strategy as a row; what nobody can say is None, and its quality anything."""
    said: dict[str, Any] = {
        "strategy": strategy.name,
        "n": n,
        "evidence": "none",
        "quality_lowest": 0.0,
        "quality_highest": 1.0,
        "quality_n": 0,
        "cost_n": 0,
        "overhead_usd": strategy.overhead.usd,
        "overhead_ms": strategy.overhead.ms,
        "assumptions": [*strategy.assumptions],
    }
    figures = strategy.figures
    if figures is None:
        return said
    quality, cost = figures.outcomes["quality"], figures.outcomes["cost_usd"]
    ends = zip(("", "_low", "_high"), figures.escalation, strict=True)
    said |= {f"escalation_rate{end}": float(value) for end, value in ends}
    for name in ("quality", *_MONEY):
        each = figures.outcomes[name]
        said |= {name: _known(each.value[0]), f"{name}_low": _known(each.low[0]), f"{name}_high": _known(each.high[0])}
    return said | {
        "evidence": "none" if said["quality"] is None else "pairs",
        "quality_lowest": _known(quality.lowest[0]),
        "quality_highest": _known(quality.highest[0]),
        "quality_n": int(quality.n[0]),
        "cost_n": int(cost.n[0]),
        "unsupported_share": _known(quality.unsupported[0]),
        "break_even_requests": _break_even(strategy, said, large),
    }


def _break_even(strategy: RoutingStrategy, row: Mapping[str, Any], large: StrategyFigures | None) -> float | None:
    """Requests a month from which the strategy costs less than the large lane alone."""
    dear = None if large is None else _known(large.outcomes["cost_usd"].value[0])
    spent = 0.0 if strategy.name == "cascade" else strategy.overhead.usd
    known = (dear, row["cost_usd"], spent, strategy.fixed_usd)
    if strategy.name == "all_large" or dear is None or any(each is None for each in known):
        return None
    return break_even_requests(strategy.fixed_usd or 0.0, dear - row["cost_usd"], spent or 0.0)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
