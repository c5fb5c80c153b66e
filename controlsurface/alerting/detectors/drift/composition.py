"""Shares of one whole move together: what drifts with another share from the same onset is that one's drift, told once.

The share that speaks first leads, the stronger one where two speak at once. A share that follows is silent until it has
recovered itself; one that begins later than a day after the leader spoke is a drift of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from controlsurface.alerting.detectors.drift.drift_replay import DriftChange
from controlsurface.alerting.detectors.drift.drift_state import DriftState
from controlsurface.alerting.detectors.statistics.count_baseline import DAY_S
from controlsurface.arrays import Floats

SAME_CHANGE_WINDOW_S = DAY_S  # between the leader's alert and the onset of a share that follows it


@dataclass(frozen=True, slots=True)
class _Drifting:
    """When a share spoke, and when its leader did (0: it leads)."""

    fired_s: float
    follows: float = 0.0


def mark_followers(before: DriftState, after: DriftState, changes: Sequence[DriftChange]) -> DriftState:
    """`after` with what follows what, where all streams are shares of one whole; `changes` lie between the two."""
    drifting = {
        stream: _Drifting(float(before.fired_at[stream]), float(before.follows[stream]))
        for stream in np.flatnonzero(before.drifting).tolist()
    }
    for change in sorted(changes, key=lambda each: (each.at_s, each.drifting, -float(each.state.score[0]))):
        if change.drifting:
            drifting[change.stream] = _Drifting(change.at_s, _leader(drifting, float(change.state.since[0])))
        else:
            drifting.pop(change.stream, None)
    follows: Floats = np.zeros(after.streams)
    for stream, each in drifting.items():
        follows[stream] = each.follows
    return replace(after, follows=follows)


def _leader(drifting: dict[int, _Drifting], since_s: float) -> float:
    """When the leader of a share that began at `since_s` spoke; 0 where it leads itself."""
    spoke = {each.follows or each.fired_s for each in drifting.values()}
    return max((fired_s for fired_s in spoke if since_s <= fired_s + SAME_CHANGE_WINDOW_S), default=0.0)
