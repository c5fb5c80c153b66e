"""What a drift rule says of each slice, with its evidence: the score, since when, from which rate to which."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from controlsurface.alerting import cusum
from controlsurface.alerting.baseline import DAY_S, FEWEST_DAYS, Baseline
from controlsurface.alerting.counts import Counting, Slice, moment
from controlsurface.alerting.drift import State, strength
from controlsurface.alerting.learning import Anchor
from controlsurface.alerting.power import detection_hours
from controlsurface.alerting.shares import Spread
from controlsurface.alerting.state import Reading
from controlsurface.alerting.watched import Look, Watched

Z = 1.959964
TWICE = 2.0  # the drift whose expected delay is told


def readings(watched: Watched, look: Look, counting: Counting, threshold: float, streams: int) -> Iterator[Reading]:
    """One reading a slice: of a metric that several proportions stand for, the one that drifts or comes nearest to it.

    `streams` is how many share the install's allowance of false alerts.
    """
    leads = _leads(watched, look.state)
    for key, place in leads.items():
        only = np.array([place])
        one = watched.keep(np.arange(len(watched.streams)) == place)
        state = look.state.take(only)
        evidence = _evidence(one.baseline, one.anchors[0], state, threshold, streams)
        evidence |= _counted(counting, one)
        yield _reading(dict(zip(counting.by, key, strict=True)), one, state, look.recent[:, place], evidence)
    for key in sorted({stream.slice for stream in watched.young} | look.slices, key=str):
        if key not in leads:
            yield _young(dict(zip(counting.by, key, strict=True)), watched, key)


def _leads(watched: Watched, state: State) -> dict[Slice, int]:
    """The stream that speaks for each slice."""
    found: dict[Slice, int] = {}
    order = np.lexsort((state.score, state.drifting))
    for place in order.tolist():
        found[watched.streams[place].slice] = place
    return found


def _reading(
    named: Mapping[str, str | None], one: Watched, state: State, recent: Any, evidence: dict[str, Any]
) -> Reading:
    """One stream's reading: since its onset while it drifts, else of the last hours."""
    drifting = bool(state.drifting[0])
    n, k, expected = (state.held[:, 0] if drifting else recent).tolist()
    if n <= 0:
        return Reading(named, breach=drifting, n=0, evidence=evidence)
    low, high = _wilson(k, n, n / float(one.baseline.phi[0]))
    before = expected / n
    rising = state.direction[0] > 0 if drifting else k >= expected
    tolerance = float(one.baseline.tolerance[0])
    odds = before / (1 - before) * (tolerance if rising else 1 / tolerance)
    onset = moment(float(state.since[0])) if drifting else None
    return Reading(named, drifting, k / n, round(n), low, high, odds / (1 + odds), before, onset, evidence)


def _evidence(baseline: Baseline, anchor: Anchor, state: State, threshold: float, streams: int) -> dict[str, Any]:
    """Why it fires or does not, and what to expect of it."""
    per_day = float(baseline.n[0]) / ((anchor.to_s - anchor.from_s) / DAY_S)
    rate = float(baseline.k[0] / baseline.n[0])
    usual = min(max(rate, 1e-6), 1 - 1e-6)
    hours = float(
        detection_hours(usual, per_day, TWICE, threshold, float(baseline.tolerance[0]), float(baseline.phi[0]))
    )
    found: dict[str, Any] = {
        "score": round(float(state.score[0]), 2),
        "score_threshold": round(threshold, 2),
        "expected_false_alarms_per_week": float(f"{streams * cusum.BUCKETS_A_WEEK * math.exp(-threshold):.3g}"),
        "streams": streams,
        "expected_detection_h": float(f"{hours:.3g}") if math.isfinite(hours) else None,
        "tolerance": round(float(baseline.tolerance[0]), 3),
        "overdispersion": round(float(baseline.phi[0]), 2),
        "baseline_from": moment(anchor.from_s).isoformat(),
        "baseline_to": moment(anchor.to_s).isoformat(),
    }
    if state.drifting[0]:
        times = float(strength(state)[0])
        found |= {"direction": "up" if state.direction[0] > 0 else "down", "odds_ratio": round(times, 3)}
    if anchor.accepted_s:
        found["accepted_at"] = moment(anchor.accepted_s).isoformat()
    return found


def _counted(counting: Counting, one: Watched) -> dict[str, Any]:
    """What the proportion is, where it is not the metric itself."""
    asked = counting.share
    if not isinstance(asked, Spread):
        return {}
    return {"column": asked.column, "share_above": one.streams[0].part, "bound": one.anchors[0].bound}


def _young(named: Mapping[str, str | None], watched: Watched, key: Slice) -> Reading:
    """A slice without a baseline says so."""
    since = [first for stream, first in watched.young.items() if stream.slice == key]
    age = (watched.settled_s - min(since)) / DAY_S if since else 0.0
    note = f"no baseline yet: seen for {max(age, 0):.1f} days, needs requests on {FEWEST_DAYS}"
    return Reading(named, breach=None, evidence={"note": note})


def _wilson(k: float, n: float, effective: float) -> tuple[float, float]:
    """The 95 % interval of k among n, with the sample that overdispersion leaves."""
    share, squared = k / n, Z * Z / max(effective, 1e-9)
    middle = (share + squared / 2) / (1 + squared)
    half = (
        Z / (1 + squared) * math.sqrt(share * (1 - share) / max(effective, 1e-9) + squared / max(effective, 1e-9) / 4)
    )
    return max(middle - half, 0.0), min(middle + half, 1.0)
