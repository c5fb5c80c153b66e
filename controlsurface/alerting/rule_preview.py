"""A rule over the past before it is saved: when it had fired, how often by chance, how soon a change is found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf, sqrt
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from controlsurface.alerting.backtest import BACKTEST_TIMEOUT_S, BacktestArgs, BacktestQuery, SessionStore
from controlsurface.alerting.detectors.statistics.cusum import score_threshold
from controlsurface.alerting.detectors.statistics.detection_power import requests_needed
from controlsurface.alerting.evaluation.alert_state_machine import ActiveAlerts
from controlsurface.alerting.evaluation.evaluator import EvaluationContext, EvaluationInputs, fetch_inputs
from controlsurface.alerting.evaluation.measurements import (
    MeasurementResults,
    SliceMeasurements,
    required_measurements,
    result_or_raise,
)
from controlsurface.alerting.evaluation.rule_engine import align_to_interval, evaluate_alerts
from controlsurface.alerting.model import LabelSet
from controlsurface.alerting.rules.rule_models import DriftRule, ThresholdRule
from controlsurface.arrays import Floats
from controlsurface.client.arrow_tables import COUNT, FIGURE, NUMBER, TEXT, columns
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.metrics.queries.replay_query import ReplayMoments
from controlsurface.metrics.statistics import Z_95, wilson_interval
from controlsurface.query.arguments import StepLength

MIN_WINDOWS = 30  # windows with data, below which nothing is said about chance or time
MAX_ONSETS = 60  # moments from which a change is made up
MONTH = timedelta(days=30)
MIN_HORIZON, MAX_HORIZON = timedelta(days=1), timedelta(days=7)  # how long a made-up change is looked at
_HOUR = timedelta(hours=1)


class PreviewArgs(BacktestArgs):
    """A rule, a window, and a change that it should find."""

    every: StepLength = Field(
        timedelta(minutes=15), ge=timedelta(minutes=1), description="from one evaluation to the next"
    )
    factor: float = Field(2, gt=1, le=100, description="the change: odds of a share, or a value, times so much")


@dataclass(frozen=True, slots=True)
class Detection:
    """Hours until a made-up change was found in each slice that had data when it began (infinite: not in time)."""

    hours: Sequence[float]
    horizon: timedelta

    @property
    def found(self) -> int:
        """How many were found."""
        return sum(each < inf for each in self.hours)

    @property
    def median_hours(self) -> float | None:
        """The median; None where fewer than half were found."""
        middle = float(np.median(self.hours)) if self.hours else inf
        return middle if middle < inf else None


@dataclass(frozen=True, slots=True)
class RulePreviewQuery(Query[Result]):
    """Rows as a backtest has them. Facts: alerts a month with their 95 % interval, and what they rest on (`windows`).

    `detect_hours` is the median time until a change by `factor` is found, over `onsets`, of which `found` were found
    within `horizon_hours`. Unknown (null) where there are fewer than 30 windows with data; `note` says why.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/rules/preview",
        "preview",
        "When a rule would have fired, how often by chance, and how soon it finds a change",
        BacktestQuery.endpoint.schema,
        columns(
            elapsed_ms=NUMBER,
            **dict.fromkeys(("windows", "onsets", "found"), COUNT),
            **dict.fromkeys(("alerts_a_month", "alerts_low", "alerts_high", "detect_hours", "horizon_hours"), FIGURE),
            note=TEXT,
        ),
    )
    arguments: PreviewArgs

    def run(self, session: StoreSession) -> Result:
        """Replay the rule, and again with a change in it. Raises BadRequest for rules about what is not kept."""
        began, args, rule = perf_counter(), self.arguments, self.arguments.rule
        firings = BacktestQuery(BacktestArgs(**args.model_dump(exclude={"factor"}))).run(session).rows
        facts = dict.fromkeys(("alerts_a_month", "alerts_low", "alerts_high", "detect_hours", "horizon_hours"))
        facts |= {"windows": 0, "onsets": 0, "found": 0, "note": ""}
        if isinstance(rule, ThresholdRule):
            facts |= _threshold_facts(rule, session, args, firings)
        elif isinstance(rule, DriftRule):
            facts |= _drift_facts(rule, session, args)
        else:
            facts["note"] = f"a {rule.kind} rule: only its past is shown"
        return Result(firings, facts | {"elapsed_ms": round((perf_counter() - began) * 1e3, 3)})


def _threshold_facts(
    rule: ThresholdRule, session: StoreSession, args: PreviewArgs, firings: pa.Table
) -> dict[str, Any]:
    """From one reading of the figures of all moments."""
    moments = ReplayMoments(
        align_to_interval(args.start, args.every), align_to_interval(args.end, args.every), args.every
    )
    seen = fetch_inputs([rule], EvaluationContext(SessionStore(session), timeout_s=BACKTEST_TIMEOUT_S), moments)
    windows = count_windows(rule, seen, moments)
    if windows < MIN_WINDOWS:
        text = f"only {windows} windows with data; from {MIN_WINDOWS} on it is known how often it fires by chance"
        return {"windows": windows, "note": text}
    scale = MONTH / (args.end - args.start)
    found = made_up_change(rule, seen, moments, args.factor)
    low, high = poisson_interval(firings.num_rows)
    return {
        "windows": windows,
        "alerts_a_month": firings.num_rows * scale,
        "alerts_low": low * scale,
        "alerts_high": high * scale,
        "onsets": len(found.hours),
        "found": found.found,
        "detect_hours": found.median_hours if len(found.hours) >= MIN_WINDOWS else None,
        "horizon_hours": found.horizon / _HOUR,
        "note": "" if len(found.hours) >= MIN_WINDOWS else "too few beginnings to tell how soon a change is found",
    }


def _drift_facts(rule: DriftRule, session: StoreSession, args: PreviewArgs) -> dict[str, Any]:
    """From what the detector promises: false alerts of all drift rules, the median slice's expected time."""
    a_month = session.config.alerts.false_alerts_per_week * (MONTH / timedelta(days=7))
    facts: dict[str, Any] = {"alerts_a_month": a_month, "note": "of all drift rules together, as configured"}
    if rule.measured.kind != "ratio":
        return facts
    asked = MetricArgs(metric=rule.metric, by=rule.by, where=rule.where_pairs, start=args.start, end=args.end)
    rows = MetricQuery(asked).run(session).rows.to_pylist()
    known = [row for row in rows if row["value"] is not None and 0 < row["value"] < 1 and row["n"] >= MIN_WINDOWS]
    hours = (args.end - args.start) / _HOUR
    threshold = score_threshold(max(1, len(known)))
    needed = [float(requests_needed(row["value"], args.factor, threshold, rule.drift.tolerance)) for row in known]
    delays = [each / (row["n"] / hours) for each, row in zip(needed, known, strict=True)]
    middle = float(np.median(delays)) if delays else inf
    detect = middle if middle < inf else None
    return facts | {
        "windows": len(known),
        "onsets": len(known),
        "found": sum(each < inf for each in delays),
        "detect_hours": detect,
    }


def poisson_interval(count: int) -> tuple[float, float]:
    """A 95 % interval of the mean of a count (Byar's approximation; Breslow and Day 1987, section 2.3)."""
    low = count * (1 - 1 / (9 * count) - Z_95 / (3 * sqrt(count))) ** 3 if count else 0.0
    above = count + 1
    return low, above * (1 - 1 / (9 * above) + Z_95 / (3 * sqrt(above))) ** 3


def count_windows(rule: ThresholdRule, seen: EvaluationInputs, moments: ReplayMoments) -> int:
    """How many windows of the rule that do not overlap have enough rows, over all slices."""
    series = result_or_raise(seen.figures[required_measurements(rule)[0]])
    step = max(1, -(-rule.over // moments.every))
    return sum(int(_judged(rule, series[at]).sum()) for at in _moments(moments)[::step] if at in series)


def _judged(rule: ThresholdRule, figures: SliceMeasurements) -> Any:
    return ~np.isnan(figures.value) & (figures.n >= max(1, rule.min_count))


def _moments(moments: ReplayMoments) -> list[datetime]:
    count = (moments.last - moments.first) // moments.every + 1
    return [moments.first + i * moments.every for i in range(count)]


def made_up_change(rule: ThresholdRule, seen: EvaluationInputs, moments: ReplayMoments, factor: float) -> Detection:
    """The rule's own life of alerts, from moments on at which its figures begin to be others."""
    horizon = min(MAX_HORIZON, max(MIN_HORIZON, 2 * rule.over + 2 * rule.for_))
    every = _moments(moments)
    begin = [at for at in every if at + horizon <= moments.last]
    hours: list[float] = []
    for onset in begin[:: max(1, len(begin) // MAX_ONSETS)]:
        following = [at for at in every if onset < at <= onset + horizon]
        hours += _hours_until_found(rule, seen, onset, following, factor)
    return Detection(hours, horizon)


def _hours_until_found(
    rule: ThresholdRule, seen: EvaluationInputs, onset: datetime, following: Sequence[datetime], factor: float
) -> Iterator[float]:
    """Of each slice with data at the onset that is not in breach already."""
    series = result_or_raise(seen.figures[required_measurements(rule)[0]])
    figures = series.get(onset)
    before = evaluate_alerts(seen, {}, onset).active.get(rule.alert, {})
    loud = {tuple(alert.reading.slice.values()) for alert in before.values()}
    judged = _judged(rule, figures) if figures else ()
    waiting = {each for each, known in zip(figures.slices if figures else (), judged, strict=True) if known} - loud
    changed = replace(seen, figures=_changed(rule, seen.figures, onset, following, factor))
    active: Mapping[str, ActiveAlerts] = {rule.alert: dict[LabelSet, Any]()}
    for at in following:
        if not waiting:
            break
        active = {**active, **evaluate_alerts(changed, active, at).active}
        firing = {tuple(a.reading.slice.values()) for a in active[rule.alert].values() if a.state == "firing"} & waiting
        yield from ((at - onset) / _HOUR for _ in firing)
        waiting -= firing
    yield from (inf for _ in waiting)


def _changed(
    rule: ThresholdRule, figures: MeasurementResults, onset: datetime, following: Sequence[datetime], factor: float
) -> MeasurementResults:
    """The figures as a change from `onset` on would have made them: the part of a window that lies behind it counts."""
    found = dict(figures)
    for need in required_measurements(rule):
        if need.metric == rule.metric and not need.waited:
            series, view = result_or_raise(figures[need]), need.view
            parts = {at: min(1.0, max(0.0, (at - view.offset - onset) / view.over)) for at in following}
            found[need] = {at: _shifted(rule, series[at], parts[at], factor) for at in following if at in series}
    return found


def _shifted(rule: ThresholdRule, figures: SliceMeasurements, part: float, factor: float) -> SliceMeasurements:
    """Figures of which a part is changed, towards the rule's bound."""
    by = factor if rule.above is not None else 1 / factor
    if CATALOG[rule.metric].kind != "ratio":
        times = 1 - part + part * by
        return replace(figures, value=figures.value * times, low=figures.low * times, high=figures.high * times)
    value: Floats = (1 - part) * figures.value + part * by * figures.value / (1 - figures.value + by * figures.value)
    low, high = wilson_interval(value, figures.n)
    return replace(figures, value=value, low=low, high=high)
