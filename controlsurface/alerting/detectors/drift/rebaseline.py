"""Accept as baseline: what is seen now is normal from now on."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from controlsurface.alerting.detectors.drift.baseline_training import (
    BASELINE_WINDOW_S,
    BaselineAnchor,
    has_enough_days,
    train_baselines,
)
from controlsurface.alerting.detectors.drift.drift_state import DriftState, fresh_state
from controlsurface.alerting.detectors.drift.stream_counts import StreamCounter
from controlsurface.alerting.detectors.drift.stream_tracker import StreamSnapshot, TrackedStreams
from controlsurface.alerting.detectors.statistics.count_baseline import HOUR_S
from controlsurface.alerting.detectors.statistics.likelihood import odds_ratio
from controlsurface.arrays import Flags


def rebaseline_streams(
    watched: TrackedStreams,
    look: StreamSnapshot,
    counting: StreamCounter,
    tolerance: float,
    wanted: Mapping[str, str | None],
    at_s: int,
) -> TrackedStreams:
    """The same, with the present as the baseline of the slices that have the values `wanted`.

    A stream that drifts keeps its seasons at the odds seen since the onset, until it has 7 days of its own since then.
    One that does not learns the last 28 days.
    """
    meant = _matching_streams(watched, counting, wanted)
    drifting = meant & look.state.drifting
    shifted = _shift_baselines(watched, look.state, drifting, look.closed_s, at_s)
    relearnt = _retrain_baselines(shifted, counting, tolerance, meant & ~drifting, at_s)
    return replace(relearnt, state=_reset_state(relearnt.state, meant))


def _matching_streams(watched: TrackedStreams, counting: StreamCounter, wanted: Mapping[str, str | None]) -> Flags:
    """The streams of the slices that are meant."""
    named = [dict(zip(counting.by, stream.slice, strict=True)) for stream in watched.streams]
    return np.array([all(each.get(name) == value for name, value in wanted.items()) for each in named], dtype=np.bool_)


def _shift_baselines(
    watched: TrackedStreams, state: DriftState, drifting: Flags, closed_s: int, at_s: int
) -> TrackedStreams:
    """Baselines at the odds seen."""
    some = np.flatnonzero(drifting)
    n, k, expected = state.held[:, some]
    moved = watched.baseline.take(some).shifted(odds_ratio(n, k, expected))
    anchors = list(watched.anchors)
    for place in some.tolist():
        since_s = int(state.since[place])
        anchors[place] = BaselineAnchor(since_s, max(closed_s, since_s + HOUR_S), anchors[place].bound, at_s)
    baseline = watched.baseline.put(some, replace(moved, n=n, k=k))
    return replace(watched, anchors=tuple(anchors), baseline=baseline)


def _retrain_baselines(
    watched: TrackedStreams, counting: StreamCounter, tolerance: float, meant: Flags, at_s: int
) -> TrackedStreams:
    """Baselines of the last 28 days."""
    end_s = watched.settled_s
    hourly = counting.between(end_s - BASELINE_WINDOW_S, end_s, HOUR_S, watched.bounds).of(watched.streams)
    anchors = {
        watched.streams[place]: BaselineAnchor(end_s - BASELINE_WINDOW_S, end_s, accepted_s=at_s)
        for place in np.flatnonzero(meant).tolist()
        if has_enough_days(hourly, place, end_s - BASELINE_WINDOW_S, end_s)
    }
    return watched.relearn(train_baselines(counting, anchors, tolerance)) if anchors else watched


def _reset_state(state: DriftState, meant: Flags) -> DriftState:
    """Nothing is held against them any more."""
    some = np.flatnonzero(meant)
    return state.put(some, replace(fresh_state(len(some)), bet_from=state.bet_from[some]))
