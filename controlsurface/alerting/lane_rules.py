"""Lane rules, evaluated: is the fast lane fast, and does a lane hide a second mode? Read from histograms only."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from controlsurface.alerting.counts import Counting, Slice
from controlsurface.alerting.lanes import FASTER, Histogram, separation
from controlsurface.alerting.modes import WEIGHT, modes
from controlsurface.alerting.rules import LaneRule
from controlsurface.alerting.state import Reading
from controlsurface.alerting.watched import closed
from controlsurface.metrics.catalog import CATALOG
from controlsurface.store.duckdb import DuckStore

Found = Mapping[Slice, Histogram]  # by the rule's dimensions, then the lane


class LaneEngine:
    """Lane rules over a store; looks again when a bucket has closed."""

    def __init__(self, store: DuckStore) -> None:
        self._store = store
        self._last: dict[str, tuple[int, LaneRule, Sequence[Reading]]] = {}
        self._lock = threading.Lock()

    def readings(self, rules: Sequence[LaneRule], now: datetime) -> Mapping[str, Sequence[Reading]]:
        """What each rule says of each slice, under the rule's name."""
        end_s = closed(now.timestamp())
        with self._lock:
            for rule in rules:
                if self._last.get(rule.alert, ())[:2] != (end_s, rule):
                    self._last[rule.alert] = (end_s, rule, list(look(self._store, rule, end_s)))
            return {rule.alert: self._last[rule.alert][2] for rule in rules}


def look(store: DuckStore, rule: LaneRule, end_s: int) -> Iterator[Reading]:
    """The readings of one rule at a moment."""
    by = tuple(name for name in rule.by if name != "lane")
    counting = Counting(store.query, CATALOG["latency_p50"], (*by, "lane"), rule.where_pairs)
    found = counting.histograms("latency_ms", end_s - int(rule.over.total_seconds()), end_s)
    if rule.lanes.check == "hidden_mode":
        yield from _modes(found, (*by, "lane"), rule.min_count)
    else:
        yield from _separations(found, by, rule)


def _separations(found: Found, by: Sequence[str], rule: LaneRule) -> Iterator[Reading]:
    """One reading for each slice in which both lanes answered."""
    fast, slow = rule.lanes.fast, rule.lanes.slow
    for key in sorted({key[:-1] for key in found}, key=str):
        one, other = (found.get((*key, lane)) for lane in (fast, slow))
        if one and other:
            yield _separation(dict(zip(by, key, strict=True)), one, other, rule.min_count)


def _separation(named: Mapping[str, str | None], fast: Histogram, slow: Histogram, fewest: int) -> Reading:
    n = round(min(fast.total, slow.total))
    if n < fewest:
        return Reading(named, breach=None, n=n, evidence={"note": f"{fewest} requests of each lane are needed"})
    apart = separation(fast, slow)
    evidence = {
        "problems": list(apart.problems),
        "median_ratio": round(apart.times, 3),
        "share_beyond_slow_median": round(apart.beyond, 4),
        "fast_median_ms": round(fast.quantile(0.5), 1),
        "slow_median_ms": round(slow.quantile(0.5), 1),
    }
    return Reading(named, bool(apart.problems), apart.faster, n, threshold=FASTER, evidence=evidence)


def _modes(found: Found, by: Sequence[str], fewest: int) -> Iterator[Reading]:
    """One reading for each lane of each slice."""
    for key in sorted(found, key=str):
        yield _mode(dict(zip(by, key, strict=True)), found[key], fewest)


def _mode(named: Mapping[str, str | None], histogram: Histogram, fewest: int) -> Reading:
    n = round(histogram.total)
    if n < fewest:
        return Reading(named, breach=None, n=n, evidence={"note": f"{fewest} requests are needed"})
    two = modes(histogram)
    if two is None:
        return Reading(named, breach=False, n=n, evidence={"note": "all latencies lie in one or two bins"})
    evidence = {
        "modes_ms": [round(two.low, 1), round(two.high, 1)],
        "bic_gain": round(two.bic_gain, 1),
        "ashman_d": round(two.ashman, 2),
        "valley": round(two.valley, 3),
    }
    return Reading(named, two.two, two.weight, n, threshold=WEIGHT, evidence=evidence)
