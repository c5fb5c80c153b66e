"""Which window a stream's baseline is learnt from, and the learning itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from controlsurface.alerting.detectors.drift.stream_counts import Stream, StreamCounter, StreamCounts
from controlsurface.alerting.detectors.statistics.count_baseline import (
    DAY_S,
    HOUR_CELLS,
    HOUR_S,
    MIN_DAYS,
    WINDOW_DAYS,
    Baseline,
    days_with_requests,
    fit_baseline,
)
from controlsurface.alerting.rules.proportions import QuantileShares
from controlsurface.arrays import Flags

MIN_BASELINE_S, BASELINE_WINDOW_S = MIN_DAYS * DAY_S, WINDOW_DAYS * DAY_S
TRAINING_HISTORY_S = BASELINE_WINDOW_S + MIN_BASELINE_S
GONE_AFTER_HOURS = 7 * 24
_EMPTY_CELLS, _EMPTY_COUNTS = np.zeros((HOUR_CELLS, 0)), np.zeros(0)
EMPTY_BASELINE = Baseline(_EMPTY_CELLS, _EMPTY_COUNTS, _EMPTY_COUNTS, _EMPTY_COUNTS, _EMPTY_COUNTS, _EMPTY_CELLS)


@dataclass(frozen=True, slots=True)
class BaselineAnchor:
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
        return self.to_s - self.from_s >= BASELINE_WINDOW_S


@dataclass(frozen=True, slots=True)
class TrainedBaselines:
    """Streams with their baselines."""

    streams: tuple[Stream, ...]
    anchors: tuple[BaselineAnchor, ...]
    baseline: Baseline


def first_anchors(history: StreamCounts, until_s: int, onsets: Mapping[Stream, int]) -> dict[Stream, BaselineAnchor]:
    """Windows in hourly counts up to `until_s`: the oldest 28 days, leaving out the newest week where that leaves 7.

    The newest week is watched, not learnt from: what went wrong just before a rule was written is found all the same.
    Neither is what followed an onset that is known. Windows end with days, so that any hour of a day finds the same.
    """
    found, newest_s = {}, until_s // DAY_S * DAY_S - MIN_BASELINE_S
    for column, stream in enumerate(history.streams):
        from_s = int(history.at_s[history.n[:, column] > 0][0])
        last_s = max(min(newest_s, onsets.get(stream, newest_s)), from_s + MIN_BASELINE_S)
        last_s = min(last_s, from_s + BASELINE_WINDOW_S)
        ends = [end for end in (last_s, until_s) if end <= until_s and has_enough_days(history, column, from_s, end)]
        found[stream] = BaselineAnchor(from_s, *ends[:1])
    return found


def recent_streams(hourly: StreamCounts) -> tuple[Stream, ...]:
    """The streams that had a request within the last week of the counts; the others are gone, with their drifts."""
    busy = hourly.n[-GONE_AFTER_HOURS:].sum(axis=0) > 0
    return tuple(stream for stream, is_busy in zip(hourly.streams, busy.tolist(), strict=True) if is_busy)


def has_enough_days(hourly: StreamCounts, column: int, from_s: int, to_s: int) -> bool:
    """Whether a stream had requests on 7 days of a window at least."""
    inside = hours_within(hourly, from_s, to_s)[:, None]
    return bool(days_with_requests(hourly.at_s, hourly.n[:, [column]] * inside)[0] >= MIN_DAYS)


def hours_within(hourly: StreamCounts, from_s: int, to_s: int) -> Flags:
    """Which hours lie in a window."""
    return (hourly.at_s >= from_s) & (hourly.at_s < to_s)


def train_baselines(
    counting: StreamCounter, anchors: Mapping[Stream, BaselineAnchor], tolerance: float
) -> TrainedBaselines:
    """The baselines of streams, each of its own window."""
    bounded = _with_quantile_bounds(counting, anchors)
    start_s, end_s = min(each.from_s for each in bounded.values()), max(each.to_s for each in bounded.values())
    start_s = start_s // HOUR_S * HOUR_S
    bounds = {stream: anchor.bound for stream, anchor in bounded.items()}
    hourly = counting.between(start_s, end_s, HOUR_S, bounds).of(tuple(bounded))
    mine = np.stack([hours_within(hourly, each.from_s, each.to_s) for each in bounded.values()], axis=1)
    baseline = fit_baseline(hourly.at_s, hourly.n, hourly.k, tolerance, mine)
    return TrainedBaselines(tuple(bounded), tuple(bounded.values()), baseline)


def _with_quantile_bounds(
    counting: StreamCounter, anchors: Mapping[Stream, BaselineAnchor]
) -> dict[Stream, BaselineAnchor]:
    """The same with the quantiles of each window."""
    asked = counting.share
    if not isinstance(asked, QuantileShares):
        return dict(anchors)
    quantile = dict(zip(asked.parts, asked.quantiles, strict=True))
    windows = {(each.from_s, each.to_s) for each in anchors.values()}
    spreads = {window: counting.histograms(asked.column, *window) for window in windows}
    found = {}
    for stream, anchor in anchors.items():
        spread = spreads[anchor.from_s, anchor.to_s][stream.slice]
        found[stream] = replace(anchor, bound=spread.upper_edge(quantile[stream.part]))
    return found
