"""Accept as baseline: the order, and how what is seen now becomes normal."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

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
from controlsurface.alerting.detectors.statistics.cusum import odds_ratio
from controlsurface.arrays import Flags
from controlsurface.client.arrow_tables import MAYBE_TEXT, OBJECT, TEXT, TIME, columns, list_of
from controlsurface.client.query_protocol import Command, StoreSession, WriteEndpoint
from controlsurface.errors import BadRequest, NotFound, did_you_mean
from controlsurface.query.arguments import Arguments, ArgumentText


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
    return replace(relearnt, state=_reset_streams(relearnt.state, meant))


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


def _reset_streams(state: DriftState, meant: Flags) -> DriftState:
    """Nothing is held against them any more."""
    some = np.flatnonzero(meant)
    return state.put(some, replace(fresh_state(len(some)), bet_from=state.bet_from[some]))


_TRACKED_SLICES_SQL = "SELECT rule, definition, slice FROM drift_streams"
_ACCEPT_REQUEST_SQL = (
    'INSERT INTO drift_accepts (rule, slice, "at", who, why) VALUES ($rule, $slice, CAST($at AS TIMESTAMP), $who, $why)'
)


class BaselineAcceptance(Arguments):
    """Which slices, who says so and why."""

    slice: dict[Annotated[str, Field(max_length=100)], ArgumentText | None] = Field(
        default_factory=dict, max_length=4, description="dimensions and their values, null: unknown; none: all slices"
    )
    who: Annotated[str, Field(min_length=1, max_length=100)] = Field("api", description="who says so")
    why: ArgumentText | None = Field(None, description="a sentence for those who will wonder")


@dataclass(frozen=True, slots=True)
class AcceptBaseline(Command):
    """Take what a rule sees now as its baseline, from the detector's next look on. Raises NotFound, BadRequest."""

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/rules/{alert:path}/accept",
        "accept_drift",
        "Take what a drift rule sees now as its baseline",
        columns(rule=TEXT, slices=list_of(OBJECT), at=TIME, who=TEXT, why=MAYBE_TEXT),
        author="who",
        problems=("404",),
    )
    alert: str
    body: BaselineAcceptance

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Keep the wish; once this returns it is on the disk."""
        named = list(self._meant(session))
        if not named:
            raise NotFound(f"{self.alert} watches no slice {json.dumps(self.body.slice)}")
        at = datetime.now(UTC)
        row = {"rule": self.alert, "slice": json.dumps(self.body.slice), "who": self.body.who, "why": self.body.why}
        session.write([(_ACCEPT_REQUEST_SQL, row | {"at": at})])
        return {"rule": self.alert, "slices": named, "at": at, "who": self.body.who, "why": self.body.why}

    def _meant(self, session: StoreSession) -> Iterator[Mapping[str, str | None]]:
        """The slices that the rule watches and that are meant."""
        rows = session.state(_TRACKED_SLICES_SQL).to_pylist()
        mine = [row for row in rows if row["rule"] == self.alert]
        if not mine:
            near = did_you_mean(self.alert, {row["rule"] for row in rows})
            raise NotFound(f"no drift rule '{self.alert[:100]}'{near}")
        by = json.loads(mine[0]["definition"])[1]
        for name in self.body.slice:
            if name not in by:
                raise BadRequest(f"slice: {self.alert} is not broken down by '{name}'{did_you_mean(name, by)}")
        for values in dict.fromkeys(tuple(row["slice"]) for row in mine):
            found = dict(zip(by, values, strict=True))
            if all(found[name] == value for name, value in self.body.slice.items()):
                yield found
