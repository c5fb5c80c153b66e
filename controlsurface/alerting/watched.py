"""What a drift rule knows between evaluations, and how it moves on: settle, learn, look ahead.

Buckets are settled two hours after the last full hour; what comes later is looked at anew each time, so rows that are
up to two hours late count as if they had been in time. Later ones do not reach the sums, only the next baseline; where
they are many, the rule begins anew (see `beginning`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from controlsurface.alerting.baseline import BUCKET_S, DAY_S, HOUR_S, Baseline, joined
from controlsurface.alerting.counts import Counting, Counts, Slice, Stream
from controlsurface.alerting.drift import EVENT_DAYS, State, fresh, told
from controlsurface.alerting.drift import joined as side_by_side
from controlsurface.alerting.families import followed
from controlsurface.alerting.learning import WINDOW_S, Anchor, Learnt, enough, lately, learn
from controlsurface.alerting.likelihood import Law, law
from controlsurface.alerting.replay import Change, replay
from controlsurface.arrays import Flags, Floats

SETTLING_S = 2 * HOUR_S
CLOSING_S = 120  # a bucket is looked at so long after its end


@dataclass(frozen=True, slots=True)
class Known:
    """A change around the router: when, and which lanes it can have touched (None: any)."""

    at_s: int
    lanes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """The streams of a rule with a baseline, and their state at `settled_s`; `young`: when others were first seen."""

    settled_s: int
    streams: tuple[Stream, ...]
    anchors: tuple[Anchor, ...]
    baseline: Baseline
    state: State
    young: Mapping[Stream, int] = field(default_factory=dict)

    @property
    def bounds(self) -> dict[Stream, float]:
        """Above which values rows are counted."""
        return {stream: anchor.bound for stream, anchor in zip(self.streams, self.anchors, strict=True)}

    def keep(self, streams: Flags) -> "Watched":
        """Only some streams."""
        some = np.flatnonzero(streams)
        return replace(
            self,
            streams=tuple(self.streams[place] for place in some),
            anchors=tuple(self.anchors[place] for place in some),
            baseline=self.baseline.take(some),
            state=self.state.take(some),
        )

    def add(self, learnt: Learnt) -> "Watched":
        """New streams with a baseline, of which nothing else is known."""
        return replace(
            self,
            streams=(*self.streams, *learnt.streams),
            anchors=(*self.anchors, *learnt.anchors),
            baseline=joined([self.baseline, learnt.baseline]),
            state=side_by_side([self.state, fresh(len(learnt.streams))]),
            young={stream: first for stream, first in self.young.items() if stream not in learnt.streams},
        )

    def relearn(self, learnt: Learnt) -> "Watched":
        """Other baselines for some of the streams."""
        place = {stream: number for number, stream in enumerate(self.streams)}
        places = np.array([place[stream] for stream in learnt.streams])
        anchors = dict(zip(self.streams, self.anchors, strict=True))
        anchors |= dict(zip(learnt.streams, learnt.anchors, strict=True))
        return replace(self, anchors=tuple(anchors.values()), baseline=self.baseline.put(places, learnt.baseline))


@dataclass(frozen=True, slots=True)
class Look:
    """A moment: the state after the last closed bucket, and the requests, events and events expected since settling.

    `state` and `recent` (3 x S) are those of the watched streams; `slices` are all that had requests.
    """

    closed_s: int
    state: State
    recent: Floats
    slices: frozenset[Slice]
    changes: tuple[Change, ...] = ()


def closed(now_s: float) -> int:
    """The end of the last bucket that may be looked at."""
    return int(now_s - CLOSING_S) // BUCKET_S * BUCKET_S


def settling(closed_s: int) -> int:
    """The moment up to which buckets are settled."""
    return closed_s // HOUR_S * HOUR_S - SETTLING_S


def settle(
    watched: Watched, counting: Counting, tolerance: float, until_s: int, threshold: float, known: Sequence[Known] = ()
) -> Watched:
    """The same up to `until_s`; at the end of each day (UTC) young streams are learnt, and gone ones forgotten."""
    while watched.settled_s < until_s:
        end_s = min(until_s, watched.settled_s // DAY_S * DAY_S + DAY_S)
        state = ahead(watched, counting, end_s, threshold, known).state
        watched = replace(watched, settled_s=end_s, state=state)
        if end_s % DAY_S == 0:
            watched = _learn(watched, counting, tolerance)
    return watched


def ahead(watched: Watched, counting: Counting, closed_s: int, threshold: float, known: Sequence[Known] = ()) -> Look:
    """What follows from the buckets up to `closed_s`."""
    found = counting.between(watched.settled_s, closed_s, BUCKET_S, watched.bounds)
    counts = _since_accepted(found.of(watched.streams), watched.anchors)
    past = _Past(watched.state, law(watched.baseline), counts, threshold, counting.of_one_whole)
    for event in sorted(known, key=lambda each: each.at_s):
        touched = _touched(watched.streams, counting.by, event) & (past.state.bet_from < event.at_s)
        if not watched.settled_s - EVENT_DAYS * DAY_S <= event.at_s < closed_s or not touched.any():
            continue
        from_s = max(event.at_s, watched.settled_s)
        past = past.until((from_s - watched.settled_s) // BUCKET_S)
        past = replace(past, state=told(past.state, touched, from_s))
    past = past.until(len(counts.n))
    recent = np.stack([counts.n, counts.k, past.law.expected(counts.at_s, counts.n)]).sum(axis=1)
    slices = frozenset(stream.slice for stream in found.streams)
    return Look(closed_s, past.state, recent, slices, past.changes)


def _since_accepted(counts: Counts, anchors: Sequence[Anchor]) -> Counts:
    """Nothing is held against a stream that was settled when its baseline was accepted."""
    since = np.array([settling(anchor.accepted_s) for anchor in anchors], dtype=np.int64)
    counted = counts.at_s[:, None] >= since
    return counts if counted.all() else replace(counts, n=counts.n * counted, k=counts.k * counted)


@dataclass(frozen=True, slots=True)
class _Past:
    """The state after the first `done` buckets of `counts`."""

    state: State
    law: Law
    counts: Counts
    threshold: float
    of_one_whole: bool
    done: int = 0
    changes: tuple[Change, ...] = ()

    def until(self, bucket: int) -> "_Past":
        """Some buckets later."""
        part = slice(self.done, bucket)
        first_s = self.counts.first_s + self.done * BUCKET_S
        state, found = replay(self.state, self.law, first_s, self.counts.n[part], self.counts.k[part], self.threshold)
        if self.of_one_whole:
            state = followed(self.state, state, found)
        return replace(self, state=state, done=max(bucket, self.done), changes=(*self.changes, *found))


def _touched(streams: Sequence[Stream], by: Sequence[str], known: Known) -> Flags:
    """The streams of an event's lanes; without a lane, any."""
    if known.lanes is None or "lane" not in by:
        return np.ones(len(streams), dtype=np.bool_)
    place = by.index("lane")
    return np.array([stream.slice[place] in known.lanes for stream in streams], dtype=np.bool_)


def _learn(watched: Watched, counting: Counting, tolerance: float) -> Watched:
    """At the end of a day: forget the gone, learn the young, and learn more of windows that are not full yet.

    A stream that drifts learns nothing: the drift would become normal unseen.
    """
    end_s = watched.settled_s
    hourly = counting.between(end_s - WINDOW_S, end_s, HOUR_S, watched.bounds)
    hourly = hourly.of(lately(hourly))
    columns = {stream: column for column, stream in enumerate(hourly.streams)}
    first = {stream: int(hourly.at_s[hourly.n[:, column] > 0][0]) for stream, column in columns.items()}
    watched = watched.keep(np.array([stream in first for stream in watched.streams], dtype=np.bool_))
    known = frozenset(watched.streams)
    strange = {stream: first_s for stream, first_s in first.items() if stream not in known}
    earliest = end_s - WINDOW_S  # one that has had too few days of requests since then begins again
    young = {stream: max(watched.young.get(stream, first_s), earliest) for stream, first_s in strange.items()}
    watched = replace(watched, young=young)
    ready = {
        stream: Anchor(first_s, min(first_s + WINDOW_S, end_s))
        for stream, first_s in watched.young.items()
        if enough(hourly, columns[stream], first_s, end_s)
    }
    watched = _grown(watched, counting, tolerance, hourly)
    return watched.add(learn(counting, ready, tolerance)) if ready else watched


def _grown(watched: Watched, counting: Counting, tolerance: float, hourly: Counts) -> Watched:
    """Windows that are not full, one day longer."""
    end_s, drifting = watched.settled_s, watched.state.drifting
    columns = {stream: column for column, stream in enumerate(hourly.streams)}
    growing = {
        stream: replace(anchor, to_s=min(anchor.from_s + WINDOW_S, end_s))
        for place, (stream, anchor) in enumerate(zip(watched.streams, watched.anchors, strict=True))
        if not anchor.full and not drifting[place]
        if enough(hourly, columns[stream], anchor.from_s, end_s)
    }
    if not growing:
        return watched
    return watched.relearn(learn(counting, growing, tolerance))
