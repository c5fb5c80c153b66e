"""The history that a rule has seen, hour by hour, so that it is noticed when more of it comes.

Counts tell, not times of arrival: what trickles in late is always a little, what is sent again was there before.
"""

from dataclasses import dataclass

import numpy as np

from controlsurface.alerting.detectors.statistics.count_baseline import HOUR_S
from controlsurface.arrays import Floats

MIN_HOUR_GROWTH = 0.1  # an hour has changed when it has so many more than it had
MIN_HISTORY_GROWTH = 0.01  # a history has, when hours that have changed brought so much of it
MAX_TRICKLE_GROWTH = 0.001  # more than this, and it is no trickle
QUIET_PERIOD_S = 60  # without more, and all of it is there


@dataclass(frozen=True, slots=True)
class HourlyHistory:
    """Requests (or calls) of each hour from `first_s` on, as they were counted at `seen_s`."""

    first_s: int
    n: Floats
    seen_s: int

    @property
    def end_s(self) -> int:
        """The end of the last hour."""
        return self.first_s + HOUR_S * len(self.n)

    def between(self, start_s: int, end_s: int) -> Floats:
        """The hours in [start, end)."""
        return self.n[max(start_s - self.first_s, 0) // HOUR_S : max(end_s - self.first_s, 0) // HOUR_S]

    def grown(self, later: "HourlyHistory", least: float = 0.0) -> float:
        """Which share of `later` came since to hours known before, of those that grew by `least` of what they had."""
        span = max(self.first_s, later.first_s), min(self.end_s, later.end_s)
        before, after = self.between(*span), later.between(*span)
        more = np.where(after > before * (1 + least), after - before, 0.0)
        return float(more.sum() / max(later.n.sum(), 1.0))

    def extended(self, later: "HourlyHistory") -> "HourlyHistory":
        """The same with the hours that have been added; what came to the others since is still news."""
        known = later.n.copy()
        kept = self.between(later.first_s, later.end_s)
        start = max(self.first_s - later.first_s, 0) // HOUR_S
        known[start : start + len(kept)] = kept
        return HourlyHistory(later.first_s, known, later.seen_s)


def has_backfill(learnt: HourlyHistory, now: HourlyHistory) -> bool:
    """Whether there is so much more than was learnt from that all must be learnt anew."""
    return learnt.grown(now, MIN_HOUR_GROWTH) >= MIN_HISTORY_GROWTH


def is_still_filling(before: HourlyHistory, now: HourlyHistory) -> bool:
    """Whether more than a trickle came between two looks."""
    return before.grown(now) > MAX_TRICKLE_GROWTH
