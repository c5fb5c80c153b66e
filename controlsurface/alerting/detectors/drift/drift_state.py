"""The drift detector: one step of a bucket for all streams at once, from a state that can be kept and taken up again.

A stream is watched until the score reaches the threshold, or until the evidence since a known event reaches its own.
Then it is drifting, until a reverse sum says that the baseline holds again, or until 24 h have been back in the band.
Times are seconds since 1970, UTC; a bucket is 300 s long and named by its beginning.
"""

from dataclasses import dataclass, replace

import numpy as np

from controlsurface.alerting.detectors.statistics import cusum
from controlsurface.alerting.detectors.statistics.count_baseline import BUCKET_S, DAY_S, HOUR_S, StreamArrays
from controlsurface.alerting.detectors.statistics.cusum import ALTERNATIVE_COUNT, LikelihoodRatios
from controlsurface.arrays import Flags, Floats, Ints

RECOVERY_SCORE = 4.6
EVENT_ALPHA = 1e-3
EVENT_BET_DAYS = 7
MIN_EXPECTED_EVENTS = 20.0
COUNT_KINDS = 3  # requests, events, events expected


@dataclass(frozen=True, slots=True)
class DriftState(StreamArrays):
    """What is known of S streams after a bucket; the last axis is the stream.

    Watching: `sums` (8) of the alternatives, when each `began` (8), the counts since then, `seen` (3 x 8).
    After a known event, until `bet_until`: the sums of all buckets since `bet_from`, `bets` (8), and `bet_seen` (3).
    Drifting: `direction` (1 up, -1 down, 0 watching), `since` (onset), `fired_at`, the counts since the onset `held`
    (3), those of a possible recovery `pending` (3), its sum `back`, and the counts of 24 hours of the day `hours`
    (24 x 3). `score` is the last one, while drifting the one that fired. `follows`: when the share of the same whole
    spoke whose drift this one is part of, 0 where it speaks for itself (see `mark_followers`).
    """

    sums: Floats
    began: Floats
    seen: Floats
    bets: Floats
    bet_from: Floats
    bet_until: Floats
    bet_seen: Floats
    direction: Floats
    since: Floats
    fired_at: Floats
    score: Floats
    held: Floats
    pending: Floats
    back: Floats
    hours: Floats
    follows: Floats

    @property
    def streams(self) -> int:
        """How many streams these are."""
        return int(self.score.size)

    @property
    def drifting(self) -> Flags:
        """Which streams drift now."""
        return np.asarray(self.direction != 0)

    def flat(self) -> Floats:
        """One row of numbers a stream, S x `STATE_WIDTH`, as it is kept."""
        return np.concatenate([each.reshape(_rows(each), self.streams) for each in self.arrays()]).T

    @staticmethod
    def from_flat(rows: Floats) -> "DriftState":
        """What `flat` wrote."""
        empty = fresh_state(len(rows)).arrays()
        parts = np.split(rows.T, np.cumsum([_rows(each) for each in empty])[:-1])
        return DriftState(*(part.reshape(like.shape).copy() for part, like in zip(parts, empty, strict=True)))


def _rows(array: Floats) -> int:
    """How many numbers a stream has in an array whose last axis is the stream."""
    return int(np.prod(array.shape[:-1], dtype=np.int64))


def fresh_state(streams: int) -> DriftState:
    """Streams of which nothing has been seen."""
    shapes: tuple[tuple[int, ...], ...] = (
        *((ALTERNATIVE_COUNT,), (ALTERNATIVE_COUNT,), (COUNT_KINDS, ALTERNATIVE_COUNT)),
        *((ALTERNATIVE_COUNT,), (), (), (COUNT_KINDS,)),
        *((), (), (), (), (COUNT_KINDS,), (COUNT_KINDS,), (), (24, COUNT_KINDS), ()),
    )
    return DriftState(*(np.zeros((*shape, streams)) for shape in shapes))


STATE_WIDTH = fresh_state(1).flat().shape[1]


def bet_on_event(state: DriftState, streams: Flags, at_s: float) -> DriftState:
    """A known event at `at_s` on some streams: the bet that it changed them runs for seven days."""
    return replace(
        state,
        bets=np.where(streams, 0.0, state.bets),
        bet_from=np.where(streams, at_s, state.bet_from),
        bet_until=np.where(streams, at_s + EVENT_BET_DAYS * DAY_S, state.bet_until),
        bet_seen=np.where(streams, 0.0, state.bet_seen),
    )


def advance_state(
    state: DriftState, law: LikelihoodRatios, at_s: int, n: Floats, k: Floats, threshold: float
) -> DriftState:
    """The state after the bucket that began at `at_s`, of n requests (S) and k events among them (S)."""
    moment = np.array([at_s])
    counts = np.stack([n, k, law.expected(moment, n[None])[0]])
    if state.drifting.all():
        return _recover(state, law, moment, counts)
    watching = _watch(state, law.ratios(moment, n[None], k[None])[0], at_s, counts)
    fired = _fire(watching, at_s, threshold)
    return _choose(state.drifting, _recover(state, law, moment, counts), fired) if state.drifting.any() else fired


def _choose(where: Flags, one: DriftState, other: DriftState) -> DriftState:
    """Stream by stream, the one or the other."""
    if not where.any():
        return other
    return DriftState(*(np.where(where, *each) for each in zip(one.arrays(), other.arrays(), strict=True)))


def _watch(state: DriftState, ratios: Floats, at_s: int, counts: Floats) -> DriftState:
    """The sums with one bucket more; those that were at or below zero begin here."""
    anew = state.sums <= 0
    betting = (state.bet_from <= at_s) & (at_s < state.bet_until)
    sums = cusum.advance_sums(state.sums, ratios)
    return replace(
        state,
        sums=sums,
        began=np.where(anew, float(at_s), state.began),
        seen=np.where(anew, 0.0, state.seen) + counts[:, None],
        bets=np.where(betting, state.bets + ratios, 0.0),
        bet_seen=np.where(betting, state.bet_seen + counts, 0.0),
        score=cusum.mixture_score(sums),
    )


def _fire(state: DriftState, at_s: int, threshold: float) -> DriftState:
    """Streams whose score, or whose bet, is high enough begin to drift: since when, which way, on which counts."""
    bet = cusum.mixture_score(state.bets) >= -np.log(EVENT_ALPHA)
    fires = (state.score >= threshold) | bet
    if not fires.any():
        return state
    lead = np.where(bet, state.bets.argmax(axis=0), state.sums.argmax(axis=0))
    streams = np.arange(state.streams)
    return replace(
        state,
        direction=np.where(fires, np.where(lead < cusum.RISE_COUNT, 1.0, -1.0), 0.0),
        since=np.where(fires, np.where(bet, state.bet_from, state.began[lead, streams]), state.since),
        fired_at=np.where(fires, float(at_s + BUCKET_S), state.fired_at),
        score=np.where(bet, np.maximum(cusum.mixture_score(state.bets), state.score), state.score),
        held=np.where(fires, np.where(bet, state.bet_seen, state.seen[:, lead, streams]), 0.0),
        pending=np.zeros_like(state.pending),
        back=np.zeros_like(state.back),
        hours=np.zeros_like(state.hours),
    )


def _recover(state: DriftState, law: LikelihoodRatios, moment: Ints, counts: Floats) -> DriftState:
    """Drifting streams with one bucket more: those that are back start afresh."""
    at_s = int(moment[0])
    tolerance = law.baseline.tolerance
    bound = np.maximum(tolerance, np.sqrt(drift_odds_ratio(state)))
    gain = law.towards_baseline(moment, counts[:1], counts[1:2], np.where(state.direction < 0, 1 / bound, bound))[0]
    back = np.maximum(state.back, 0) + gain
    recovering = back > 0  # these counts may be the recovery's, so they do not tell how strong the drift is
    hours = state.hours.copy()
    slot = at_s // HOUR_S % 24
    hours[slot] = counts if at_s % HOUR_S == 0 else hours[slot] + counts
    drifting = replace(
        state,
        held=np.where(recovering, state.held, state.held + state.pending + counts),
        pending=np.where(recovering, state.pending + counts, 0.0),
        back=back,
        hours=hours,
    )
    over = (back >= RECOVERY_SCORE) | _day_in_band(drifting, tolerance, at_s + BUCKET_S)
    return _choose(over, replace(fresh_state(state.streams), bet_from=state.bet_from), drifting)


def _day_in_band(state: DriftState, tolerance: Floats, now_s: int) -> Flags:
    """Whether the last 24 full hours, all since it fired, lie inside the band, with 20 expected events at least."""
    if now_s % HOUR_S:
        return np.zeros(state.streams, dtype=np.bool_)
    n, k, expected = state.hours.sum(axis=0)
    off = np.abs(np.log(cusum.odds_ratio(n, k, expected)))
    long_enough = now_s - state.fired_at >= DAY_S
    enough = np.minimum(expected, n - expected) >= MIN_EXPECTED_EVENTS
    return np.asarray(long_enough & enough & (off <= np.log(tolerance)))


def drift_odds_ratio(state: DriftState) -> Floats:
    """How many times the odds of the baseline were exceeded (or undercut) since the onset, at least 1."""
    ratio = cusum.odds_ratio(*state.held)
    return np.maximum(np.where(state.direction < 0, 1 / ratio, ratio), 1.0)
