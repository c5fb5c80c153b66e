"""Lane rules, evaluated: is the fast lane fast, and does a lane hide a second mode? Read from histograms only."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from controlsurface.alerting.detectors.drift.stream_counts import SliceKey, StreamCounter
from controlsurface.alerting.detectors.drift.stream_tracker import last_closed_bucket_s
from controlsurface.alerting.detectors.statistics.latency_histogram import (
    MIN_FASTER_SHARE,
    MIN_MODE_WEIGHT,
    LatencyHistogram,
    compare_lanes,
    fit_latency_modes,
)
from controlsurface.alerting.model import RuleReading
from controlsurface.alerting.rules.rule_models import LaneRule
from controlsurface.metrics.catalog import CATALOG
from controlsurface.store.duckdb import DuckStore

LaneHistograms = Mapping[SliceKey, LatencyHistogram]  # by the rule's dimensions, then the lane


class LaneEngine:
    """Lane rules over a store; looks again when a bucket has closed."""

    def __init__(self, store: DuckStore) -> None:
        self._store = store
        self._last: dict[str, tuple[int, LaneRule, Sequence[RuleReading]]] = {}
        self._lock = threading.Lock()

    def readings(self, rules: Sequence[LaneRule], now: datetime) -> Mapping[str, Sequence[RuleReading]]:
        """What each rule says of each slice, under the rule's name."""
        end_s = last_closed_bucket_s(now.timestamp())
        with self._lock:
            for rule in rules:
                if self._last.get(rule.alert, ())[:2] != (end_s, rule):
                    self._last[rule.alert] = (end_s, rule, list(lane_rule_readings(self._store, rule, end_s)))
            return {rule.alert: self._last[rule.alert][2] for rule in rules}


def lane_rule_readings(store: DuckStore, rule: LaneRule, end_s: int) -> Iterator[RuleReading]:
    """The readings of one rule at a moment."""
    by = tuple(name for name in rule.by if name != "lane")
    counting = StreamCounter(store.query, CATALOG["latency_p50"], (*by, "lane"), rule.where_pairs)
    found = counting.histograms("latency_ms", end_s - int(rule.over.total_seconds()), end_s)
    if rule.lanes.check == "hidden_mode":
        yield from _mode_readings(found, (*by, "lane"), rule.min_count)
    else:
        yield from _separation_readings(found, by, rule)


def _separation_readings(found: LaneHistograms, by: Sequence[str], rule: LaneRule) -> Iterator[RuleReading]:
    """One reading for each slice in which both lanes answered."""
    fast, slow = rule.lanes.fast, rule.lanes.slow
    for key in sorted({key[:-1] for key in found}, key=str):
        one, other = (found.get((*key, lane)) for lane in (fast, slow))
        if one and other:
            yield _separation_reading(dict(zip(by, key, strict=True)), one, other, rule.min_count)


def _separation_reading(
    named: Mapping[str, str | None], fast: LatencyHistogram, slow: LatencyHistogram, fewest: int
) -> RuleReading:
    n = round(min(fast.total, slow.total))
    if n < fewest:
        return RuleReading(named, breach=None, n=n, evidence={"note": f"{fewest} requests of each lane are needed"})
    apart = compare_lanes(fast, slow)
    evidence = {
        "problems": list(apart.problems),
        "median_ratio": round(apart.times, 3),
        "share_beyond_slow_median": round(apart.beyond, 4),
        "fast_median_ms": round(fast.quantile(0.5), 1),
        "slow_median_ms": round(slow.quantile(0.5), 1),
    }
    return RuleReading(named, bool(apart.problems), apart.faster, n, threshold=MIN_FASTER_SHARE, evidence=evidence)


def _mode_readings(found: LaneHistograms, by: Sequence[str], fewest: int) -> Iterator[RuleReading]:
    """One reading for each lane of each slice."""
    for key in sorted(found, key=str):
        yield _mode_reading(dict(zip(by, key, strict=True)), found[key], fewest)


def _mode_reading(named: Mapping[str, str | None], histogram: LatencyHistogram, fewest: int) -> RuleReading:
    n = round(histogram.total)
    if n < fewest:
        return RuleReading(named, breach=None, n=n, evidence={"note": f"{fewest} requests are needed"})
    two = fit_latency_modes(histogram)
    if two is None:
        return RuleReading(named, breach=False, n=n, evidence={"note": "all latencies lie in one or two bins"})
    evidence = {
        "modes_ms": [round(two.low, 1), round(two.high, 1)],
        "bic_gain": round(two.bic_gain, 1),
        "ashman_d": round(two.ashman, 2),
        "valley": round(two.valley, 3),
    }
    return RuleReading(named, two.two, two.weight, n, threshold=MIN_MODE_WEIGHT, evidence=evidence)
