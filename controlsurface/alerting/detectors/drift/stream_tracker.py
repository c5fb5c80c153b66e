"""What a drift rule knows between evaluations, and how it moves on: settle, learn, look ahead; known changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from controlsurface.alerting.detectors.drift.baseline_training import (
    BASELINE_WINDOW_S,
    BaselineAnchor,
    TrainedBaselines,
    has_enough_days,
    recent_streams,
    train_baselines,
)
from controlsurface.alerting.detectors.drift.drift_replay import DriftChange, mark_followers, replay_counts
from controlsurface.alerting.detectors.drift.drift_state import EVENT_BET_DAYS, DriftState, bet_on_event, fresh_state
from controlsurface.alerting.detectors.drift.stream_counts import (
    SliceKey,
    Stream,
    StreamCounter,
    StreamCounts,
    utc_from_seconds,
)
from controlsurface.alerting.detectors.statistics.count_baseline import BUCKET_S, DAY_S, HOUR_S, Baseline
from controlsurface.alerting.detectors.statistics.cusum import LikelihoodRatios, likelihood_ratios
from controlsurface.arrays import Flags, Floats
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.metrics.queries.query_runner import run_events
from controlsurface.query.statement import Statement

SETTLING_DELAY_S = 2 * HOUR_S
CLOSING_DELAY_S = 120  # a bucket is looked at so long after its end


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """A change around the router: when, and which lanes it can have touched (None: any)."""

    at_s: int
    lanes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class TrackedStreams:
    """The streams of a rule with a baseline, and their state at `settled_s`; `young`: when others were first seen."""

    settled_s: int
    streams: tuple[Stream, ...]
    anchors: tuple[BaselineAnchor, ...]
    baseline: Baseline
    state: DriftState
    young: Mapping[Stream, int] = field(default_factory=dict)

    @property
    def bounds(self) -> dict[Stream, float]:
        """Above which values rows are counted."""
        return {stream: anchor.bound for stream, anchor in zip(self.streams, self.anchors, strict=True)}

    def keep(self, streams: Flags) -> "TrackedStreams":
        """Only some streams."""
        some = np.flatnonzero(streams)
        return replace(
            self,
            streams=tuple(self.streams[place] for place in some),
            anchors=tuple(self.anchors[place] for place in some),
            baseline=self.baseline.take(some),
            state=self.state.take(some),
        )

    def add(self, learnt: TrainedBaselines) -> "TrackedStreams":
        """New streams with a baseline, of which nothing else is known."""
        return replace(
            self,
            streams=(*self.streams, *learnt.streams),
            anchors=(*self.anchors, *learnt.anchors),
            baseline=self.baseline.join(learnt.baseline),
            state=self.state.join(fresh_state(len(learnt.streams))),
            young={stream: first for stream, first in self.young.items() if stream not in learnt.streams},
        )

    def relearn(self, learnt: TrainedBaselines) -> "TrackedStreams":
        """Other baselines for some of the streams."""
        place = {stream: number for number, stream in enumerate(self.streams)}
        places = np.array([place[stream] for stream in learnt.streams])
        anchors = dict(zip(self.streams, self.anchors, strict=True))
        anchors |= dict(zip(learnt.streams, learnt.anchors, strict=True))
        return replace(self, anchors=tuple(anchors.values()), baseline=self.baseline.put(places, learnt.baseline))


@dataclass(frozen=True, slots=True)
class StreamSnapshot:
    """A moment: the state after the last closed bucket, and the requests, events and events expected since settling.

    `state` and `recent` (3 x S) are those of the watched streams; `slices` are all that had requests.
    """

    closed_s: int
    state: DriftState
    recent: Floats
    slices: frozenset[SliceKey]
    changes: tuple[DriftChange, ...] = ()


def last_closed_bucket_s(now_s: float) -> int:
    """The end of the last bucket that may be looked at."""
    return int(now_s - CLOSING_DELAY_S) // BUCKET_S * BUCKET_S


def settled_end_s(closed_s: int) -> int:
    """The moment up to which buckets are settled."""
    return closed_s // HOUR_S * HOUR_S - SETTLING_DELAY_S


def settle_buckets(
    watched: TrackedStreams,
    counting: StreamCounter,
    tolerance: float,
    until_s: int,
    threshold: float,
    known: Sequence[KnownEvent] = (),
) -> TrackedStreams:
    """The same up to `until_s`; at the end of each day (UTC) young streams are learnt, and gone ones forgotten."""
    while watched.settled_s < until_s:
        end_s = min(until_s, watched.settled_s // DAY_S * DAY_S + DAY_S)
        state = look_ahead(watched, counting, end_s, threshold, known).state
        watched = replace(watched, settled_s=end_s, state=state)
        if end_s % DAY_S == 0:
            watched = _train_at_day_end(watched, counting, tolerance)
    return watched


def look_ahead(
    watched: TrackedStreams, counting: StreamCounter, closed_s: int, threshold: float, known: Sequence[KnownEvent] = ()
) -> StreamSnapshot:
    """What follows from the buckets up to `closed_s`."""
    found = counting.between(watched.settled_s, closed_s, BUCKET_S, watched.bounds)
    counts = _without_accepted_past(found.of(watched.streams), watched.anchors)
    past = _ReplayCursor(watched.state, likelihood_ratios(watched.baseline), counts, threshold, counting.is_composition)
    for event in sorted(known, key=lambda each: each.at_s):
        touched = _streams_of_event(watched.streams, counting.by, event) & (past.state.bet_from < event.at_s)
        if not watched.settled_s - EVENT_BET_DAYS * DAY_S <= event.at_s < closed_s or not touched.any():
            continue
        from_s = max(event.at_s, watched.settled_s)
        past = past.until((from_s - watched.settled_s) // BUCKET_S)
        past = replace(past, state=bet_on_event(past.state, touched, from_s))
    past = past.until(len(counts.n))
    recent = np.stack([counts.n, counts.k, past.law.expected(counts.at_s, counts.n)]).sum(axis=1)
    slices = frozenset(stream.slice for stream in found.streams)
    return StreamSnapshot(closed_s, past.state, recent, slices, past.changes)


def _without_accepted_past(counts: StreamCounts, anchors: Sequence[BaselineAnchor]) -> StreamCounts:
    """Nothing is held against a stream that was settled when its baseline was accepted."""
    since = np.array([settled_end_s(anchor.accepted_s) for anchor in anchors], dtype=np.int64)
    counted = counts.at_s[:, None] >= since
    return counts if counted.all() else replace(counts, n=counts.n * counted, k=counts.k * counted)


@dataclass(frozen=True, slots=True)
class _ReplayCursor:
    """The state after the first `done` buckets of `counts`."""

    state: DriftState
    law: LikelihoodRatios
    counts: StreamCounts
    threshold: float
    is_composition: bool
    done: int = 0
    changes: tuple[DriftChange, ...] = ()

    def until(self, bucket: int) -> "_ReplayCursor":
        """Some buckets later."""
        part = slice(self.done, bucket)
        first_s = self.counts.first_s + self.done * BUCKET_S
        n, k = self.counts.n[part], self.counts.k[part]
        state, found = replay_counts(self.state, self.law, first_s, n, k, self.threshold)
        if self.is_composition:
            state = mark_followers(self.state, state, found)
        return replace(self, state=state, done=max(bucket, self.done), changes=(*self.changes, *found))


def _streams_of_event(streams: Sequence[Stream], by: Sequence[str], known: KnownEvent) -> Flags:
    """The streams of an event's lanes; without a lane, any."""
    if known.lanes is None or "lane" not in by:
        return np.ones(len(streams), dtype=np.bool_)
    place = by.index("lane")
    return np.array([stream.slice[place] in known.lanes for stream in streams], dtype=np.bool_)


def _train_at_day_end(watched: TrackedStreams, counting: StreamCounter, tolerance: float) -> TrackedStreams:
    """At the end of a day: forget the gone, learn the young, and learn more of windows that are not full yet.

    A stream that drifts learns nothing: the drift would become normal unseen.
    """
    end_s = watched.settled_s
    hourly = counting.between(end_s - BASELINE_WINDOW_S, end_s, HOUR_S, watched.bounds)
    hourly = hourly.of(recent_streams(hourly))
    columns = {stream: column for column, stream in enumerate(hourly.streams)}
    first = {stream: int(hourly.at_s[hourly.n[:, column] > 0][0]) for stream, column in columns.items()}
    watched = watched.keep(np.array([stream in first for stream in watched.streams], dtype=np.bool_))
    known = frozenset(watched.streams)
    strange = {stream: first_s for stream, first_s in first.items() if stream not in known}
    earliest = end_s - BASELINE_WINDOW_S  # one that has had too few days of requests since then begins again
    young = {stream: max(watched.young.get(stream, first_s), earliest) for stream, first_s in strange.items()}
    watched = replace(watched, young=young)
    ready = {
        stream: BaselineAnchor(first_s, min(first_s + BASELINE_WINDOW_S, end_s))
        for stream, first_s in watched.young.items()
        if has_enough_days(hourly, columns[stream], first_s, end_s)
    }
    watched = _extend_windows(watched, counting, tolerance, hourly)
    return watched.add(train_baselines(counting, ready, tolerance)) if ready else watched


def _extend_windows(
    watched: TrackedStreams, counting: StreamCounter, tolerance: float, hourly: StreamCounts
) -> TrackedStreams:
    """Windows that are not full, one day longer."""
    end_s, drifting = watched.settled_s, watched.state.drifting
    columns = {stream: column for column, stream in enumerate(hourly.streams)}
    growing = {
        stream: replace(anchor, to_s=min(anchor.from_s + BASELINE_WINDOW_S, end_s))
        for place, (stream, anchor) in enumerate(zip(watched.streams, watched.anchors, strict=True))
        if not anchor.full and not drifting[place]
        if has_enough_days(hourly, columns[stream], anchor.from_s, end_s)
    }
    if not growing:
        return watched
    return watched.relearn(train_baselines(counting, growing, tolerance))


KNOWN_EVENT_KINDS = frozenset({"deploy", "model", "price", "config"})

_MODEL_LANES_SQL = """
SELECT model, list(DISTINCT lane) AS lanes
FROM (
    SELECT answered_by AS model, lane, started_at FROM requests
    UNION ALL
    SELECT model, lane, started_at FROM attempts WHERE purpose = 'user'
)
WHERE started_at >= $start AND started_at < $end AND list_contains($models, model)
GROUP BY model
"""


def fetch_known_events(rows: Callable[[Statement], pa.Table], start_s: int, end_s: int) -> list[KnownEvent]:
    """What happened in [start, end). A model that the requests show belongs to the lanes that called it or answered."""
    window = {"start": utc_from_seconds(start_s), "end": utc_from_seconds(end_s)}
    events = [row for row in run_events(rows, EventsArgs(**window)).to_pylist() if row["kind"] in KNOWN_EVENT_KINDS]
    models = {_event_model(row) for row in events} - {""}
    lanes = _model_lanes(rows, window, models) if models else {}
    return [KnownEvent(int(row["at"].timestamp()), lanes.get(_event_model(row))) for row in events]


def _event_model(row: dict[str, Any]) -> str:
    """The model that a found event names; nothing for others."""
    if row["kind"] != "model" or row["source"] != "requests":
        return ""
    return str(row["title"]).removesuffix(" first seen").removesuffix(" last seen")


def _model_lanes(
    rows: Callable[[Statement], pa.Table], window: dict[str, Any], models: set[str]
) -> dict[str, frozenset[str]]:
    """In which lanes models were called or answered."""
    found = rows(Statement(_MODEL_LANES_SQL, window | {"models": sorted(models)}, "alerts.lanes")).to_pylist()
    return {row["model"]: frozenset(row["lanes"]) for row in found}
