"""Shares of one whole: one change is told once, a later one again, and what follows stays silent until it is back."""

from dataclasses import replace

import numpy as np

from controlsurface.alerting.baseline import DAY_S
from controlsurface.alerting.drift import State, fresh
from controlsurface.alerting.families import ONE_CHANGE_S, followed
from controlsurface.alerting.replay import Change

QUIET = fresh(3)


def spoke(stream: int, at_s: int, since_s: int, score: float = 20.0) -> Change:
    one = replace(fresh(1), fired_at=np.array([at_s]), since=np.array([since_s]), score=np.array([score]))
    return Change(stream, at_s, replace(one, direction=np.ones(1)))


def recovered(stream: int, at_s: int) -> Change:
    return Change(stream, at_s, replace(fresh(1), direction=np.ones(1), fired_at=np.ones(1)))


def drifting(follows: State, fired_s: list[int]) -> State:
    """The same, of streams that drift since they spoke."""
    fired = np.array(fired_s, dtype=np.float64)
    return replace(follows, fired_at=fired, direction=(fired > 0).astype(float))


def test_what_moves_from_the_same_onset_follows_the_first_to_speak() -> None:
    found = followed(QUIET, QUIET, [spoke(1, 9000, 3000), spoke(0, 9300, 3600)])
    assert found.follows.tolist() == [9000, 0, 0]


def test_of_two_that_speak_at_once_the_stronger_one_leads() -> None:
    found = followed(QUIET, QUIET, [spoke(0, 9000, 3000, score=15), spoke(2, 9000, 3000, score=30)])
    assert found.follows.tolist() == [9000, 0, 0]


def test_a_change_that_begins_a_day_after_the_alert_is_told() -> None:
    first = followed(QUIET, QUIET, [spoke(1, 9000, 3000)])
    late = 9000 + ONE_CHANGE_S + 300
    known = drifting(first, [0, 9000, 0])
    assert followed(known, known, [spoke(0, late + DAY_S, late)]).follows.tolist() == [0, 0, 0]
    assert followed(known, known, [spoke(0, late + DAY_S, late - 300)]).follows.tolist() == [9000, 0, 0]


def test_a_share_that_follows_is_silent_after_its_leader_has_recovered() -> None:
    both = drifting(followed(QUIET, QUIET, [spoke(1, 9000, 3000), spoke(0, 9300, 3600)]), [9300, 9000, 0])
    assert followed(both, both, [recovered(1, 20_000)]).follows.tolist() == [9000, 0, 0]
    assert followed(both, both, [recovered(1, 20_000), recovered(0, 21_000)]).follows.tolist() == [0, 0, 0]
