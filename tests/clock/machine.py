"""A machine whose clock can be set: what it shows, and the seconds that nobody can set."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from controlsurface.clock import SteadyClock
from tests.alerting.rule_sets import NOW


@dataclass
class Machine:
    """Time passes on both clocks, and a step moves the one that shows the time."""

    shown: datetime = NOW
    ran_s: float = 1000.0

    def runs(self, length: timedelta) -> None:
        self.shown += length
        self.ran_s += length.total_seconds()

    def is_set(self, by: timedelta) -> None:
        self.shown += by

    def clock(self, **settings: timedelta) -> SteadyClock:
        return SteadyClock(**settings, wall=lambda: self.shown, steady=lambda: self.ran_s)
