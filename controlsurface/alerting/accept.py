"""Accept as baseline: what is seen now is normal from now on."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from controlsurface.alerting.baseline import HOUR_S
from controlsurface.alerting.counts import Counting
from controlsurface.alerting.drift import State, fresh
from controlsurface.alerting.learning import WINDOW_S, Anchor, enough, learn
from controlsurface.alerting.likelihood import odds_ratio
from controlsurface.alerting.watched import Look, Watched
from controlsurface.arrays import Flags


def accept(
    watched: Watched,
    look: Look,
    counting: Counting,
    tolerance: float,
    wanted: Mapping[str, str | None],
    at_s: int,
) -> Watched:
    """The same, with the present as the baseline of the slices that have the values `wanted`.

    A stream that drifts keeps its seasons at the odds seen since the onset, until it has 7 days of its own since then.
    One that does not learns the last 28 days.
    """
    meant = _meant(watched, counting, wanted)
    drifting = meant & look.state.drifting
    shifted = _shifted(watched, look.state, drifting, look.closed_s, at_s)
    relearnt = _relearnt(shifted, counting, tolerance, meant & ~drifting, at_s)
    return replace(relearnt, state=_anew(relearnt.state, meant))


def _meant(watched: Watched, counting: Counting, wanted: Mapping[str, str | None]) -> Flags:
    """The streams of the slices that are meant."""
    named = [dict(zip(counting.by, stream.slice, strict=True)) for stream in watched.streams]
    return np.array([all(each.get(name) == value for name, value in wanted.items()) for each in named], dtype=np.bool_)


def _shifted(watched: Watched, state: State, drifting: Flags, closed_s: int, at_s: int) -> Watched:
    """Baselines at the odds seen."""
    some = np.flatnonzero(drifting)
    n, k, expected = state.held[:, some]
    moved = watched.baseline.take(some).shifted(odds_ratio(n, k, expected))
    anchors = list(watched.anchors)
    for place in some.tolist():
        since_s = int(state.since[place])
        anchors[place] = Anchor(since_s, max(closed_s, since_s + HOUR_S), anchors[place].bound, at_s)
    baseline = watched.baseline.put(some, replace(moved, n=n, k=k))
    return replace(watched, anchors=tuple(anchors), baseline=baseline)


def _relearnt(watched: Watched, counting: Counting, tolerance: float, meant: Flags, at_s: int) -> Watched:
    """Baselines of the last 28 days."""
    end_s = watched.settled_s
    hourly = counting.between(end_s - WINDOW_S, end_s, HOUR_S, watched.bounds).of(watched.streams)
    anchors = {
        watched.streams[place]: Anchor(end_s - WINDOW_S, end_s, accepted_s=at_s)
        for place in np.flatnonzero(meant).tolist()
        if enough(hourly, place, end_s - WINDOW_S, end_s)
    }
    return watched.relearn(learn(counting, anchors, tolerance)) if anchors else watched


def _anew(state: State, meant: Flags) -> State:
    """Nothing is held against them any more."""
    some = np.flatnonzero(meant)
    return state.put(some, replace(fresh(len(some)), bet_from=state.bet_from[some]))
