"""Which window a stream's baseline is learnt from, and the learning itself."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from controlsurface.alerting.baseline import CELLS, DAY_S, FEWEST_DAYS, HOUR_S, WINDOW_DAYS, Baseline, days, fit
from controlsurface.alerting.counts import Counting, Counts, Stream
from controlsurface.alerting.shares import Spread
from controlsurface.arrays import Flags

FEWEST_S, WINDOW_S = FEWEST_DAYS * DAY_S, WINDOW_DAYS * DAY_S
HISTORY_S = WINDOW_S + FEWEST_S
GONE_HOURS = 7 * 24
_CELLS, _NONE = np.zeros((CELLS, 0)), np.zeros(0)
NOTHING = Baseline(_CELLS, _NONE, _NONE, _NONE, _NONE, _CELLS)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The window [from, to) of a baseline (`to_s` 0: too young for one), and the bound of a spread's events.

    `accepted_s` is when someone said that this is normal, 0: nobody.
    """

    from_s: int
    to_s: int = 0
    bound: float = float("nan")
    accepted_s: int = 0

    @property
    def full(self) -> bool:
        """Whether the window has all of its days."""
        return self.to_s - self.from_s >= WINDOW_S


@dataclass(frozen=True, slots=True)
class Learnt:
    """Streams with their baselines."""

    streams: tuple[Stream, ...]
    anchors: tuple[Anchor, ...]
    baseline: Baseline


def first_anchors(history: Counts, until_s: int, onsets: Mapping[Stream, int]) -> dict[Stream, Anchor]:
    """Windows in hourly counts up to `until_s`: the oldest 28 days, leaving out the newest week where that leaves 7.

    The newest week is watched, not learnt from: what went wrong just before a rule was written is found all the same.
    Neither is what followed an onset that is known. Windows end with days, so that any hour of a day finds the same.
    """
    found, newest_s = {}, until_s // DAY_S * DAY_S - FEWEST_S
    for column, stream in enumerate(history.streams):
        from_s = int(history.at_s[history.n[:, column] > 0][0])
        last_s = min(max(min(newest_s, onsets.get(stream, newest_s)), from_s + FEWEST_S), from_s + WINDOW_S)
        ends = [end for end in (last_s, until_s) if end <= until_s and enough(history, column, from_s, end)]
        found[stream] = Anchor(from_s, *ends[:1])
    return found


def lately(hourly: Counts) -> tuple[Stream, ...]:
    """The streams that had a request within the last week of the counts; the others are gone, with their drifts."""
    busy = hourly.n[-GONE_HOURS:].sum(axis=0) > 0
    return tuple(stream for stream, is_busy in zip(hourly.streams, busy.tolist(), strict=True) if is_busy)


def enough(hourly: Counts, column: int, from_s: int, to_s: int) -> bool:
    """Whether a stream had requests on 7 days of a window at least."""
    return bool(days(hourly.at_s, hourly.n[:, [column]] * within(hourly, from_s, to_s)[:, None])[0] >= FEWEST_DAYS)


def within(hourly: Counts, from_s: int, to_s: int) -> Flags:
    """Which hours lie in a window."""
    found: Flags = (hourly.at_s >= from_s) & (hourly.at_s < to_s)
    return found


def learn(counting: Counting, anchors: Mapping[Stream, Anchor], tolerance: float) -> Learnt:
    """The baselines of streams, each of its own window."""
    bounded = _bounded(counting, anchors)
    start_s, end_s = min(each.from_s for each in bounded.values()), max(each.to_s for each in bounded.values())
    start_s = start_s // HOUR_S * HOUR_S
    bounds = {stream: anchor.bound for stream, anchor in bounded.items()}
    hourly = counting.between(start_s, end_s, HOUR_S, bounds).of(tuple(bounded))
    mine = np.stack([within(hourly, each.from_s, each.to_s) for each in bounded.values()], axis=1)
    baseline = fit(hourly.at_s, hourly.n, hourly.k, tolerance, mine)
    return Learnt(tuple(bounded), tuple(bounded.values()), baseline)


def _bounded(counting: Counting, anchors: Mapping[Stream, Anchor]) -> dict[Stream, Anchor]:
    """The same with the quantiles of each window."""
    asked = counting.share
    if not isinstance(asked, Spread):
        return dict(anchors)
    quantile = dict(zip(asked.parts, asked.quantiles, strict=True))
    windows = {(each.from_s, each.to_s) for each in anchors.values()}
    spreads = {window: counting.histograms(asked.column, *window) for window in windows}
    found = {}
    for stream, anchor in anchors.items():
        spread = spreads[anchor.from_s, anchor.to_s][stream.slice]
        bound = spread.upper_edge(quantile[stream.part])
        found[stream] = Anchor(anchor.from_s, anchor.to_s, bound, anchor.accepted_s)
    return found
