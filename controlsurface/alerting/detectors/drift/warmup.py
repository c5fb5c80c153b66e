"""Where a rule begins: in the history there is, and anew when more of it has come (backfill)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from controlsurface.alerting.detectors.drift.baseline_training import (
    EMPTY_BASELINE,
    MIN_BASELINE_S,
    TRAINING_HISTORY_S,
    TrainedBaselines,
    first_anchors,
    recent_streams,
    train_baselines,
)
from controlsurface.alerting.detectors.drift.drift_state import fresh_state
from controlsurface.alerting.detectors.drift.stream_counts import Stream, StreamCounter
from controlsurface.alerting.detectors.drift.stream_tracker import TrackedStreams
from controlsurface.alerting.detectors.statistics.count_baseline import DAY_S, HOUR_S
from controlsurface.arrays import Floats

MIN_HOUR_GROWTH = 0.1  # an hour has changed when it has so many more than it had
MIN_HISTORY_GROWTH = 0.01  # a history has, when hours that have changed brought so much of it
MAX_TRICKLE_GROWTH = 0.001  # more than this, and it is no trickle
QUIET_PERIOD_S = 60  # without more, and all of it is there


@dataclass(frozen=True, slots=True)
class HourlyHistory:
    """Requests (or calls) of each hour from `first_s` on, as they were counted at `seen_s`."""

    first_s: int
    n: Floats
    seen_s: int

    @property
    def end_s(self) -> int:
        """The end of the last hour."""
        return self.first_s + HOUR_S * len(self.n)

    def between(self, start_s: int, end_s: int) -> Floats:
        """The hours in [start, end)."""
        return self.n[max(start_s - self.first_s, 0) // HOUR_S : max(end_s - self.first_s, 0) // HOUR_S]

    def grown(self, later: "HourlyHistory", least: float = 0.0) -> float:
        """Which share of `later` came since to hours known before, of those that grew by `least` of what they had."""
        span = max(self.first_s, later.first_s), min(self.end_s, later.end_s)
        before, after = self.between(*span), later.between(*span)
        more = np.where(after > before * (1 + least), after - before, 0.0)
        return float(more.sum() / max(later.n.sum(), 1.0))

    def extended(self, later: "HourlyHistory") -> "HourlyHistory":
        """The same with the hours that have been added; what came to the others since is still news."""
        known = later.n.copy()
        kept = self.between(later.first_s, later.end_s)
        start = max(self.first_s - later.first_s, 0) // HOUR_S
        known[start : start + len(kept)] = kept
        return HourlyHistory(later.first_s, known, later.seen_s)


def has_backfill(learnt: HourlyHistory, now: HourlyHistory) -> bool:
    """Whether there is so much more than was learnt from that all must be learnt anew."""
    return learnt.grown(now, MIN_HOUR_GROWTH) >= MIN_HISTORY_GROWTH


def is_still_filling(before: HourlyHistory, now: HourlyHistory) -> bool:
    """Whether more than a trickle came between two looks."""
    return before.grown(now) > MAX_TRICKLE_GROWTH


NO_ONSETS: Mapping[Stream, int] = MappingProxyType({})


def start_tracking(
    counting: StreamCounter, tolerance: float, until_s: int, onsets: Mapping[Stream, int] = NO_ONSETS
) -> TrackedStreams:
    """Learn from the history, all but the newest week of it, which is then watched.

    `onsets` are those of drifts that are known already: nothing is learnt from what followed.
    """
    history = counting.between(history_start_s(until_s), until_s, HOUR_S, {})
    anchors = first_anchors(history.of(recent_streams(history)), until_s, onsets)
    ready = {stream: anchor for stream, anchor in anchors.items() if anchor.to_s}
    young = {stream: anchor.from_s for stream, anchor in anchors.items() if not anchor.to_s}
    settled_s = min((anchor.to_s for anchor in ready.values()), default=until_s)
    nothing = TrackedStreams(settled_s, (), (), EMPTY_BASELINE, fresh_state(0), young)
    return nothing.add(train_baselines(counting, ready, tolerance)) if ready else nothing


def restart_tracking(
    watched: TrackedStreams, counting: StreamCounter, tolerance: float, until_s: int
) -> TrackedStreams:
    """What `start_tracking` finds now, with the accepted baselines, and those older than all it looks at, as they are.

    A stream that drifts is watched from its onset on, so its alert goes on.
    """
    oldest_s = history_start_s(until_s)
    drifting = watched.keep(watched.state.drifting)
    since_s = np.maximum(drifting.state.since.astype(np.int64) // HOUR_S * HOUR_S, oldest_s)
    onsets = dict(zip(drifting.streams, since_s.tolist(), strict=True))
    kept = watched.keep(np.array([each.accepted_s > 0 or each.from_s < oldest_s for each in watched.anchors], bool))
    anew = start_tracking(counting, tolerance, until_s, onsets)
    if not kept.streams:
        return anew
    known = frozenset(kept.streams)
    others = anew.keep(np.array([stream not in known for stream in anew.streams], bool))
    newest_s = oldest_s + TRAINING_HISTORY_S - MIN_BASELINE_S
    from_s = min(anew.settled_s, newest_s, *(onsets.get(stream, newest_s) for stream in kept.streams))
    return replace(others.add(TrainedBaselines(kept.streams, kept.anchors, kept.baseline)), settled_s=from_s)


def history_start_s(until_s: int) -> int:
    """Where the history begins that a rule looks at: five weeks before the day (UTC)."""
    return until_s // DAY_S * DAY_S - TRAINING_HISTORY_S
