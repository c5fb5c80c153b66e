"""Where the rows of a window come from: a roll-up's closed, clean buckets, and stored rows for all the rest."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from controlsurface.metrics.arguments import Window


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` up to, not including, `end`; None is open."""

    start: datetime | None
    end: datetime | None

    @property
    def empty(self) -> bool:
        """Whether no moment lies in it."""
        return self.start is not None and self.end is not None and self.start >= self.end


@dataclass(frozen=True, slots=True)
class Plan:
    """`rolled` without its `holes` is read from the table `rollup`, `raw` from stored rows: each moment once.

    `timeless`: rows of unknown time belong to it, too. `exact`: quantiles come from the values themselves, not from
    bins; for that no roll-up may be read, and no row stand for more than itself.
    """

    raw: tuple[Range, ...]
    rollup: str | None = None
    rolled: Range | None = None
    holes: tuple[Range, ...] = ()
    timeless: bool = False
    exact: bool = True

    @property
    def source(self) -> Literal["raw", "rollup", "both"]:
        """What is read."""
        if self.rolled is None:
            return "raw"
        return "both" if self.raw or self.timeless else "rollup"


def stored(window: Window, *, exact: bool = True) -> Plan:
    """The plan that reads stored rows only."""
    return Plan((Range(window.start, window.end),), exact=exact)
