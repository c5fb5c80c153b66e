"""A whole history of counts at once, by the closed form where nothing fires, and which shares moved together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from controlsurface.alerting.detectors.drift.drift_state import COUNT_KINDS, DriftState, advance_state
from controlsurface.alerting.detectors.statistics import cusum
from controlsurface.alerting.detectors.statistics.count_baseline import BUCKET_S, DAY_S
from controlsurface.alerting.detectors.statistics.cusum import LikelihoodRatios
from controlsurface.arrays import Floats, Ints

CHUNK_BUCKETS = 1008  # buckets taken at once: half a week keeps the arrays small and the sums exact


@dataclass(frozen=True, slots=True)
class DriftChange:
    """A stream (its number) that begins or ceases to drift after the bucket that ends at `at_s`."""

    stream: int
    at_s: int
    state: DriftState  # of this stream alone; when it ceases, the last state in which it drifted

    @property
    def drifting(self) -> bool:
        """Whether it begins."""
        return float(self.state.fired_at[0]) == self.at_s


def replay_counts(
    state: DriftState, law: LikelihoodRatios, first_s: int, n: Floats, k: Floats, threshold: float
) -> tuple[DriftState, list[DriftChange]]:
    """The state after T buckets of S streams (T x S) from `first_s` on, and what changed on the way, in order."""
    changes: list[DriftChange] = []
    for start in range(0, len(n), CHUNK_BUCKETS):
        part = slice(start, start + CHUNK_BUCKETS)
        state, found = _replay_chunk(state, law, first_s + start * BUCKET_S, n[part], k[part], threshold)
        changes += found
    return state, sorted(changes, key=lambda change: (change.at_s, change.stream))


def _replay_chunk(
    state: DriftState, law: LikelihoodRatios, first_s: int, n: Floats, k: Floats, threshold: float
) -> tuple[DriftState, list[DriftChange]]:
    """Quiet streams at once, the others step by step."""
    at_s = first_s + BUCKET_S * np.arange(len(n))
    ratios = law.ratios(at_s, n, k)
    sums = cusum.cumulative_sums(ratios, state.sums)
    quiet = ~state.drifting & (state.bet_until <= first_s) & (cusum.mixture_score(sums, axis=1).max(axis=0) < threshold)
    calm, loud = np.flatnonzero(quiet), np.flatnonzero(~quiet)
    ended = state.put(
        calm,
        _state_after_quiet_chunk(state.take(calm), law.take(calm), at_s, (n[:, calm], k[:, calm]), sums[:, :, calm]),
    )
    lively, changes = _step_through_chunk(state.take(loud), law.take(loud), at_s, (n[:, loud], k[:, loud]), threshold)
    return ended.put(loud, lively), [replace(change, stream=int(loud[change.stream])) for change in changes]


def _state_after_quiet_chunk(
    state: DriftState, law: LikelihoodRatios, at_s: Ints, counted: tuple[Floats, Floats], sums: Floats
) -> DriftState:
    """The state of streams in which nothing fired, after the stretch."""
    n, k = counted
    start = cusum.last_start(sums, state.sums)
    counts = np.stack([n, k, law.expected(at_s, n)], axis=1)
    total = np.concatenate([np.zeros((1, COUNT_KINDS, n.shape[1])), counts.cumsum(axis=0)])
    streams = np.arange(n.shape[1])
    since = np.moveaxis(total[np.maximum(start, 0), :, streams], 2, 0)  # what had been counted when the sums began
    seen = total[-1][:, None] - np.where(start < 0, 0.0, since)
    return replace(
        state,
        sums=sums[-1],
        began=np.where(start < 0, state.began, at_s[np.maximum(start, 0)]),
        seen=np.where(start < 0, state.seen + seen, seen),
        score=cusum.mixture_score(sums[-1]),
        bets=np.zeros_like(state.bets),
        bet_seen=np.zeros_like(state.bet_seen),
    )


def _step_through_chunk(
    state: DriftState, law: LikelihoodRatios, at_s: Ints, counted: tuple[Floats, Floats], threshold: float
) -> tuple[DriftState, list[DriftChange]]:
    """The state after stepping through a stretch, and the changes."""
    changes: list[DriftChange] = []
    for moment, n, k in zip(at_s.tolist(), *counted, strict=True) if state.streams else ():
        after = advance_state(state, law, moment, n, k, threshold)
        changes += drift_changes(state, after, moment + BUCKET_S)
        state = after
    return state, changes


def drift_changes(before: DriftState, after: DriftState, at_s: int) -> Iterator[DriftChange]:
    """Which streams began or ceased to drift in between."""
    for stream in np.flatnonzero(before.drifting != after.drifting).tolist():
        one = after if after.drifting[stream] else before
        yield DriftChange(stream, at_s, one.take(np.array([stream])))


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
