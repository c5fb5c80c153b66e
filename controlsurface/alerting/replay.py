"""A whole history at once: the same as stepping through it, found by the closed form where nothing fires."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from controlsurface.alerting import cusum
from controlsurface.alerting.baseline import BUCKET_S
from controlsurface.alerting.drift import COUNTS, State, step
from controlsurface.alerting.likelihood import Law
from controlsurface.arrays import Floats, Ints

STRETCH = 1008  # buckets taken at once: half a week keeps the arrays small and the sums exact


@dataclass(frozen=True, slots=True)
class Change:
    """A stream (its number) that begins or ceases to drift after the bucket that ends at `at_s`."""

    stream: int
    at_s: int
    state: State  # of this stream alone; when it ceases, the last state in which it drifted

    @property
    def drifting(self) -> bool:
        """Whether it begins."""
        return float(self.state.fired_at[0]) == self.at_s


def replay(state: State, law: Law, first_s: int, n: Floats, k: Floats, threshold: float) -> tuple[State, list[Change]]:
    """The state after T buckets of S streams (T x S) from `first_s` on, and what changed on the way, in order."""
    changes: list[Change] = []
    for start in range(0, len(n), STRETCH):
        part = slice(start, start + STRETCH)
        state, found = _stretch(state, law, first_s + start * BUCKET_S, n[part], k[part], threshold)
        changes += found
    return state, sorted(changes, key=lambda change: (change.at_s, change.stream))


def _stretch(
    state: State, law: Law, first_s: int, n: Floats, k: Floats, threshold: float
) -> tuple[State, list[Change]]:
    """Quiet streams at once, the others step by step."""
    at_s = first_s + BUCKET_S * np.arange(len(n))
    ratios = law.ratios(at_s, n, k)
    sums = cusum.closed(ratios, state.sums)
    quiet = ~state.drifting & (state.bet_until <= first_s) & (cusum.score(sums, axis=1).max(axis=0) < threshold)
    calm, loud = np.flatnonzero(quiet), np.flatnonzero(~quiet)
    ended = state.put(calm, _ended(state.take(calm), law.take(calm), at_s, (n[:, calm], k[:, calm]), sums[:, :, calm]))
    lively, changes = _stepped(state.take(loud), law.take(loud), at_s, (n[:, loud], k[:, loud]), threshold)
    return ended.put(loud, lively), [replace(change, stream=int(loud[change.stream])) for change in changes]


def _ended(state: State, law: Law, at_s: Ints, counted: tuple[Floats, Floats], sums: Floats) -> State:
    """The state of streams in which nothing fired, after the stretch."""
    n, k = counted
    start = cusum.last_start(sums, state.sums)
    counts = np.stack([n, k, law.expected(at_s, n)], axis=1)
    total = np.concatenate([np.zeros((1, COUNTS, n.shape[1])), counts.cumsum(axis=0)])
    streams = np.arange(n.shape[1])
    since = np.moveaxis(total[np.maximum(start, 0), :, streams], 2, 0)  # what had been counted when the sums began
    seen = total[-1][:, None] - np.where(start < 0, 0.0, since)
    return replace(
        state,
        sums=sums[-1],
        began=np.where(start < 0, state.began, at_s[np.maximum(start, 0)]),
        seen=np.where(start < 0, state.seen + seen, seen),
        score=cusum.score(sums[-1]),
        bets=np.zeros_like(state.bets),
        bet_seen=np.zeros_like(state.bet_seen),
    )


def _stepped(
    state: State, law: Law, at_s: Ints, counted: tuple[Floats, Floats], threshold: float
) -> tuple[State, list[Change]]:
    """The state after stepping through a stretch, and the changes."""
    changes: list[Change] = []
    for moment, n, k in zip(at_s.tolist(), *counted, strict=True) if state.streams else ():
        after = step(state, law, moment, n, k, threshold)
        changes += changed(state, after, moment + BUCKET_S)
        state = after
    return state, changes


def changed(before: State, after: State, at_s: int) -> Iterator[Change]:
    """Which streams began or ceased to drift in between."""
    for stream in np.flatnonzero(before.drifting != after.drifting).tolist():
        one = after if after.drifting[stream] else before
        yield Change(stream, at_s, one.take(np.array([stream])))
