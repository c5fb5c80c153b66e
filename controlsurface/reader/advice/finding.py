"""What a rule of advice found: sentences with their figures, or why there is nothing to say."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import pyarrow as pa

SUPPORT = 30  # rows under which a figure says more about chance than about the router

State = Literal["found", "nothing", "too few", "no data", "window too short"]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do. `share` of the window's requests (or calls) that it concerns, for ranking.

    The evidence is the figure `value` of `metric` over `where` in the window asked for, with its interval and the `n`
    stored rows it rests on; `page` shows it.
    """

    rule: str
    title: str
    why: str
    metric: str
    value: float
    low: float | None
    high: float | None
    unit: str
    n: int
    where: str
    page: str
    share: float


@dataclass(frozen=True, slots=True)
class Checked:
    """A rule that was asked: what it looks for, what came of it, and how many rows it could look at."""

    rule: str
    looks_for: str
    state: State
    n: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule says, and the largest number of rows that one of its figures rested on."""

    advice: Sequence[Advice]
    n: int
    short: bool = False

    @property
    def state(self) -> State:
        """The same in a word."""
        if self.advice:
            return "found"
        if self.short:
            return "window too short"
        if not self.n:
            return "no data"
        return "nothing" if self.n >= SUPPORT else "too few"


_TYPES: Mapping[str, pa.DataType] = {
    "value": pa.float64(),
    "low": pa.float64(),
    "high": pa.float64(),
    "n": pa.int64(),
    "share": pa.float64(),
}
SCHEMA = pa.schema([(each.name, _TYPES.get(each.name, pa.string())) for each in fields(Advice)])


def table(advice: Sequence[Advice]) -> pa.Table:
    """The rows, those that concern most requests first."""
    ranked = sorted(advice, key=lambda each: (-each.share, each.title))
    return pa.Table.from_pylist([asdict(each) for each in ranked], SCHEMA)


def percent(value: float) -> str:
    """A share as people read it."""
    return f"{value * 100:.{1 if abs(value) < 0.1 else 0}f} %"


def between(row: Row) -> str:
    """A share with its interval and its rows.

    >>> between({"value": 0.41, "low": 0.35, "high": 0.47, "n": 1200})
    '41 % (35 % to 47 %, n = 1,200)'
    """
    return f"{percent(row['value'])} ({percent(row['low'])} to {percent(row['high'])}, n = {row['n']:,})"


def most(rows: Sequence[Row]) -> int:
    """The largest support of any of the rows."""
    return max((row["n"] for row in rows), default=0)


def enough(rows: Sequence[Row]) -> list[Row]:
    """The rows with support."""
    return [row for row in rows if row["n"] >= SUPPORT and row["value"] is not None]
