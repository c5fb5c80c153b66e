"""What a drift rule says of each slice, with its evidence: the score, since when, from which rate to which."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from controlsurface.alerting.detectors.drift.baseline_training import BaselineAnchor
from controlsurface.alerting.detectors.drift.drift_state import DriftState, drift_odds_ratio
from controlsurface.alerting.detectors.drift.stream_counts import SliceKey, StreamCounter, utc_from_seconds
from controlsurface.alerting.detectors.drift.stream_tracker import StreamSnapshot, TrackedStreams
from controlsurface.alerting.detectors.statistics import cusum
from controlsurface.alerting.detectors.statistics.count_baseline import DAY_S, MIN_DAYS
from controlsurface.alerting.detectors.statistics.detection_power import expected_delay, requests_needed
from controlsurface.alerting.model import RuleReading
from controlsurface.alerting.rules.proportions import QuantileShares
from controlsurface.arrays import Floats
from controlsurface.metrics.statistics import effect_sizes_of, wilson_interval

PLANNED_ODDS_RATIO = 2.0  # the drift whose expected delay is told


def slice_readings(
    watched: TrackedStreams, look: StreamSnapshot, counting: StreamCounter, threshold: float, streams: int
) -> Iterator[RuleReading]:
    """One reading a slice: of a metric that several proportions stand for, the one that drifts or comes nearest to it.

    `streams` is how many share the install's allowance of false alerts.
    """
    leads = _leading_streams(watched, look.state)
    figures, asked = _figures(watched, look, threshold), counting.share
    onset = look.state.since.astype(np.int64).tolist()
    allowed = float(f"{streams * cusum.BUCKETS_PER_WEEK * math.exp(-threshold):.3g}")
    told = {"score_threshold": round(threshold, 2), "expected_false_alarms_per_week": allowed, "streams": streams}
    for key, place in leads.items():
        evidence = _evidence(figures, place, watched.anchors[place]) | told
        if isinstance(asked, QuantileShares):
            bound = watched.anchors[place].bound
            evidence |= {"column": asked.column, "share_above": watched.streams[place].part, "bound": bound}
            if look.state.drifting[place]:
                since = (onset[place], look.closed_s)
                evidence |= _distribution_shift(counting, asked.column, key, watched.anchors[place], since)
        if counting.is_composition and look.state.drifting[place]:
            evidence |= _co_movers(watched, look.state, figures, place, counting.by)
        yield _reading(dict(zip(counting.by, key, strict=True)), figures, place, evidence)
    first: dict[SliceKey, int] = {}
    for stream, first_s in watched.young.items():
        first[stream.slice] = min(first_s, first.get(stream.slice, first_s))
    for key in sorted({*first} | look.slices, key=str):
        if key not in leads:
            yield _untrained_reading(dict(zip(counting.by, key, strict=True)), watched.settled_s, first.get(key))


def _leading_streams(watched: TrackedStreams, state: DriftState) -> dict[SliceKey, int]:
    """The stream that speaks for each slice."""
    order = np.lexsort((state.score, state.drifting))
    return {watched.streams[place].slice: place for place in order.tolist()}


def _figures(watched: TrackedStreams, look: StreamSnapshot, threshold: float) -> dict[str, list[Any]]:
    """What is told of each stream: since its onset while it drifts, else of the last hours."""
    state, baseline = look.state, watched.baseline
    n, k, expected = np.where(state.drifting, state.held, look.recent)
    some = np.maximum(n, 1e-9)
    value, before = k / some, expected / some
    rising = np.where(state.drifting, state.direction > 0, k >= expected)
    odds = before / (1 - before) * np.where(rising, baseline.tolerance, 1 / baseline.tolerance)
    low, high = share_interval(value, some, baseline.phi)
    usual = np.clip(baseline.k / np.maximum(baseline.n, 1e-9), 1e-6, 1 - 1e-6)
    needed = requests_needed(usual, PLANNED_ODDS_RATIO, threshold, baseline.tolerance, baseline.phi)
    hours = expected_delay(needed, baseline.volume)
    days = np.array([(anchor.to_s - anchor.from_s) / DAY_S for anchor in watched.anchors])
    mean = np.where(np.isnan(hours.mean), 24 * needed * days / np.maximum(baseline.n, 1e-9), hours.mean)
    found = {"n": n, "value": value, "before": before, "low": low, "high": high, "edge": odds / (1 + odds)}
    speaks = state.drifting & (state.follows == 0)
    found |= {"drifting": state.drifting, "speaks": speaks, "direction": state.direction, "since": state.since}
    found |= {"hours": mean, "hours_low": hours.low, "hours_high": hours.high, "score": state.score}
    found |= {"odds_ratio": drift_odds_ratio(state), "tolerance": baseline.tolerance, "phi": baseline.phi}
    return {name: values.tolist() for name, values in found.items()}


def _reading(
    named: Mapping[str, str | None], figures: Mapping[str, list[Any]], place: int, evidence: dict[str, Any]
) -> RuleReading:
    told = {name: values[place] for name, values in figures.items()}
    if told["n"] <= 0:
        return RuleReading(named, breach=told["speaks"], n=0, evidence=evidence)
    known = {name: told[name] for name in ("value", "low", "high", "before")}
    known |= {"n": round(told["n"]), "threshold": told["edge"]}
    onset = utc_from_seconds(told["since"]) if told["drifting"] else None
    return RuleReading(named, breach=told["speaks"], onset=onset, evidence=evidence, **known)


def _evidence(figures: Mapping[str, list[Any]], place: int, anchor: BaselineAnchor) -> dict[str, Any]:
    """Why it fires or does not, and what to expect of it."""
    found: dict[str, Any] = {
        "score": round(figures["score"][place], 2),
        "expected_detection_h": _rounded_hours(figures["hours"][place]),
        "expected_detection_low_h": _rounded_hours(figures["hours_low"][place]),
        "expected_detection_high_h": _rounded_hours(figures["hours_high"][place]),
        "tolerance": round(figures["tolerance"][place], 3),
        "overdispersion": round(figures["phi"][place], 2),
        "baseline_from": utc_from_seconds(anchor.from_s).isoformat(),
        "baseline_to": utc_from_seconds(anchor.to_s).isoformat(),
    }
    if figures["drifting"][place]:
        direction = "up" if figures["direction"][place] > 0 else "down"
        found |= {"direction": direction, "odds_ratio": round(figures["odds_ratio"][place], 3)}
    if anchor.accepted_s:
        found["accepted_at"] = utc_from_seconds(anchor.accepted_s).isoformat()
    return found


def _rounded_hours(hours: float) -> float | None:
    """Three digits; nothing where a drift is never found, or nobody knows."""
    return float(f"{hours:.3g}") if math.isfinite(hours) else None


def _co_movers(
    watched: TrackedStreams, state: DriftState, figures: Mapping[str, list[Any]], place: int, by: Sequence[str]
) -> dict[str, Any]:
    """The shares of the same whole that drift with the one that leads; of one that follows, the leader."""
    spoke = np.where(state.follows > 0, state.follows, state.fired_at)
    family = np.flatnonzero(state.drifting & (spoke == spoke[place])).tolist()
    told = [
        dict(zip(by, watched.streams[each].slice, strict=True))
        | {name: figures[name][each] for name in ("before", "value")}
        for each in family
        if each != place and (figures["speaks"][place] or figures["speaks"][each])
    ]
    return {"moved_with_it" if figures["speaks"][place] else "follows": told}


def _distribution_shift(
    counting: StreamCounter, column: str, key: SliceKey, anchor: BaselineAnchor, since: tuple[int, int]
) -> dict[str, float | None]:
    """How far the distribution since the onset is from the baseline's: sizes, which decide nothing."""
    sides = (counting.histograms(column, *window).get(key) for window in ((anchor.from_s, anchor.to_s), since))
    before, after = (dict(zip(each.edges, each.n.tolist(), strict=True)) if each else {} for each in sides)
    bins = sorted({*before, *after})
    counted = ([side.get(each, 0.0) for each in bins] for side in (before, after))
    sizes = effect_sizes_of([lower for lower, _ in bins], [upper for _, upper in bins], *counted)
    return {name: float(f"{size:.3g}") if math.isfinite(size) else None for name, size in asdict(sizes).items()}


def _untrained_reading(named: Mapping[str, str | None], settled_s: int, first_s: int | None) -> RuleReading:
    """A slice without a baseline says so."""
    age = (settled_s - first_s) / DAY_S if first_s is not None else 0.0
    note = f"no baseline yet: seen for {max(age, 0):.1f} days, needs requests on {MIN_DAYS}"
    return RuleReading(named, breach=None, evidence={"note": note})


def share_interval(share: Floats, n: Floats, phi: Floats) -> tuple[Floats, Floats]:
    """The 95 % interval of a share of n, which is worth the sample that overdispersion leaves."""
    return wilson_interval(share, n / phi)
