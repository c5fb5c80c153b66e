"""Shares of one whole: one change is told once, a later one again, and what follows stays silent until it is back."""

from dataclasses import replace

import numpy as np

from controlsurface.alerting.detectors.drift.drift_replay import SAME_CHANGE_WINDOW_S, DriftChange, mark_followers
from controlsurface.alerting.detectors.drift.drift_state import DriftState, fresh_state
from controlsurface.alerting.detectors.statistics.count_baseline import DAY_S

QUIET = fresh_state(3)


def drift_onset(stream: int, at_s: int, since_s: int, score: float = 20.0) -> DriftChange:
    one = replace(fresh_state(1), fired_at=np.array([at_s]), since=np.array([since_s]), score=np.array([score]))
    return DriftChange(stream, at_s, replace(one, direction=np.ones(1)))


def drift_recovery(stream: int, at_s: int) -> DriftChange:
    return DriftChange(stream, at_s, replace(fresh_state(1), direction=np.ones(1), fired_at=np.ones(1)))


def drifting_state(follows: DriftState, fired_s: list[int]) -> DriftState:
    """The same, of streams that drift since they spoke."""
    fired = np.array(fired_s, dtype=np.float64)
    return replace(follows, fired_at=fired, direction=(fired > 0).astype(float))


def test_a_share_that_drifts_from_the_same_onset_follows_the_first_alert() -> None:
    found = mark_followers(QUIET, QUIET, [drift_onset(1, 9000, 3000), drift_onset(0, 9300, 3600)])
    assert found.follows.tolist() == [9000, 0, 0]


def test_the_stronger_of_two_simultaneous_drifts_leads() -> None:
    found = mark_followers(QUIET, QUIET, [drift_onset(0, 9000, 3000, score=15), drift_onset(2, 9000, 3000, score=30)])
    assert found.follows.tolist() == [9000, 0, 0]


def test_a_drift_that_begins_a_day_after_the_alert_follows_no_other() -> None:
    first = mark_followers(QUIET, QUIET, [drift_onset(1, 9000, 3000)])
    late = 9000 + SAME_CHANGE_WINDOW_S + 300
    known = drifting_state(first, [0, 9000, 0])
    assert mark_followers(known, known, [drift_onset(0, late + DAY_S, late)]).follows.tolist() == [0, 0, 0]
    assert mark_followers(known, known, [drift_onset(0, late + DAY_S, late - 300)]).follows.tolist() == [9000, 0, 0]


def test_a_share_that_follows_is_silent_after_its_leader_has_recovered() -> None:
    both = drifting_state(
        mark_followers(QUIET, QUIET, [drift_onset(1, 9000, 3000), drift_onset(0, 9300, 3600)]), [9300, 9000, 0]
    )
    assert mark_followers(both, both, [drift_recovery(1, 20_000)]).follows.tolist() == [9000, 0, 0]
    assert mark_followers(both, both, [drift_recovery(1, 20_000), drift_recovery(0, 21_000)]).follows.tolist() == [
        0,
        0,
        0,
    ]
