"""Where the rows of a window come from: a roll-up's closed, clean buckets, and stored rows for all the rest."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from controlsurface.query.arguments import FilteredTimeRange


@dataclass(frozen=True, slots=True)
class ReadRange:
    """From `start` up to, not including, `end`; None is open."""

    start: datetime | None
    end: datetime | None

    @property
    def empty(self) -> bool:
        """Whether no moment lies in it."""
        return self.start is not None and self.end is not None and self.start >= self.end


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """`rolled` without its `holes` is read from the table `rollup`, `raw` from stored rows: each moment once.

    `timeless`: rows of unknown time belong to it, too. `exact`: quantiles come from the values themselves, not from
    bins; for that no roll-up may be read, and no row stand for more than itself.
    """

    raw: tuple[ReadRange, ...]
    rollup: str | None = None
    rolled: ReadRange | None = None
    holes: tuple[ReadRange, ...] = ()
    timeless: bool = False
    exact: bool = True

    @property
    def source(self) -> Literal["raw", "rollup", "both"]:
        """What is read."""
        if self.rolled is None:
            return "raw"
        return "both" if self.raw or self.timeless else "rollup"


def stored_rows_plan(window: FilteredTimeRange, *, exact: bool = True) -> ReadPlan:
    """The plan that reads stored rows only."""
    return ReadPlan((ReadRange(window.start, window.end),), exact=exact)
