"""Where a rule begins: in the history there is, and anew when more of it has come."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from controlsurface.alerting.baseline import DAY_S, HOUR_S
from controlsurface.alerting.counts import Counting, Stream
from controlsurface.alerting.drift import fresh
from controlsurface.alerting.learning import FEWEST_S, HISTORY_S, NOTHING, Learnt, first_anchors, lately, learn
from controlsurface.alerting.watched import Watched

NO_ONSETS: Mapping[Stream, int] = MappingProxyType({})


def begin(counting: Counting, tolerance: float, until_s: int, onsets: Mapping[Stream, int] = NO_ONSETS) -> Watched:
    """Learn from the history, all but the newest week of it, which is then watched.

    `onsets` are those of drifts that are known already: nothing is learnt from what followed.
    """
    history = counting.between(history_from(until_s), until_s, HOUR_S, {})
    anchors = first_anchors(history.of(lately(history)), until_s, onsets)
    ready = {stream: anchor for stream, anchor in anchors.items() if anchor.to_s}
    young = {stream: anchor.from_s for stream, anchor in anchors.items() if not anchor.to_s}
    settled_s = min((anchor.to_s for anchor in ready.values()), default=until_s)
    nothing = Watched(settled_s, (), (), NOTHING, fresh(0), young)
    return nothing.add(learn(counting, ready, tolerance)) if ready else nothing


def begin_anew(watched: Watched, counting: Counting, tolerance: float, until_s: int) -> Watched:
    """What `begin` finds now, with the baselines that were accepted, and those older than all it looks at, as they are.

    A stream that drifts is watched from its onset on, so its alert goes on.
    """
    oldest_s = history_from(until_s)
    drifting = watched.keep(watched.state.drifting)
    since_s = np.maximum(drifting.state.since.astype(np.int64) // HOUR_S * HOUR_S, oldest_s)
    onsets = dict(zip(drifting.streams, since_s.tolist(), strict=True))
    kept = watched.keep(np.array([each.accepted_s > 0 or each.from_s < oldest_s for each in watched.anchors], bool))
    anew = begin(counting, tolerance, until_s, onsets)
    if not kept.streams:
        return anew
    known = frozenset(kept.streams)
    others = anew.keep(np.array([stream not in known for stream in anew.streams], bool))
    newest_s = oldest_s + HISTORY_S - FEWEST_S
    from_s = min(anew.settled_s, newest_s, *(onsets.get(stream, newest_s) for stream in kept.streams))
    return replace(others.add(Learnt(kept.streams, kept.anchors, kept.baseline)), settled_s=from_s)


def history_from(until_s: int) -> int:
    """Where the history begins that a rule looks at: five weeks before the day (UTC)."""
    return until_s // DAY_S * DAY_S - HISTORY_S
