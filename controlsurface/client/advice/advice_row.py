"""What a rule of advice found: sentences with their figures, or why there is nothing to say."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import pyarrow as pa

from controlsurface.formatting import format_interval, format_ratio
from controlsurface.metrics.statistics import FAMILYWISE_ALPHA, Z_95, binomial_upper_tail, holm_adjust

MIN_SUPPORT_ROWS = 30  # rows under which a figure says more about chance than about the router

AdviceState = Literal["found", "nothing", "too few", "no data", "window too short"]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do. `share` of the window's requests (or calls) that it concerns, for ranking.

    The evidence is the figure `value` of `metric` (of the catalogue, or `large_minus_small`: the difference of grades
    that audits show) over `where` in the window asked for, with its interval and the `n` stored rows it rests on;
    `page` shows it.
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
class CheckedRule:
    """A rule that was asked: what it looks for, what came of it, and how many rows it could look at."""

    rule: str
    looks_for: str
    state: AdviceState
    n: int


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What a rule says, and the largest number of rows that one of its figures rested on."""

    advice: Sequence[Advice]
    n: int
    short: bool = False

    @property
    def state(self) -> AdviceState:
        """The same in a word."""
        if self.advice:
            return "found"
        if self.short:
            return "window too short"
        if not self.n:
            return "no data"
        return "nothing" if self.n >= MIN_SUPPORT_ROWS else "too few"


_TYPES: dict[str, pa.DataType] = {"n": pa.int64(), **dict.fromkeys(("value", "low", "high", "share"), pa.float64())}
ADVICE_SCHEMA = pa.schema([(each.name, _TYPES.get(each.name, pa.string())) for each in fields(Advice)])


def advice_table(advice: Sequence[Advice]) -> pa.Table:
    """The rows, those that concern most requests first."""
    ranked = sorted(advice, key=lambda each: (-each.share, each.title))
    return pa.Table.from_pylist([asdict(each) for each in ranked], ADVICE_SCHEMA)


def row_advice(
    rule: str, title: str, why: str, metric: str, row: Row, where: str, page: str, share: float, unit: str = "ratio"
) -> Advice:
    """Advice that rests on one row of a metric."""
    figures = (row["value"], row.get("low"), row.get("high"), unit, row["n"])
    return Advice(rule, title, why, metric, *figures, where, page, share)


def share_with_interval(row: Row) -> str:
    """A share with its interval and its rows.

    >>> share_with_interval({"value": 0.41, "low": 0.35, "high": 0.47, "n": 1200})
    '41.0 % (35.0 % to 47.0 %, n = 1,200)'
    """
    return f"{format_ratio(row['value'])} ({format_interval(row['low'], row['high'], 'ratio')}, n = {row['n']:,})"


def largest_support(rows: Sequence[Row]) -> int:
    """The largest support of any of the rows."""
    return max((row["n"] for row in rows), default=0)


def rows_with_support(rows: Sequence[Row]) -> list[Row]:
    """The rows with support."""
    return [row for row in rows if row["n"] >= MIN_SUPPORT_ROWS and row["value"] is not None]


def shares_above(rows: Sequence[Row], bound: float) -> list[Row]:
    """Of the shares with support, those that lie above a bound, over all that are looked at (exact binomial, Holm)."""
    return _sure(rows, lambda row: _chance(row, row["value"], bound))


def shares_below(rows: Sequence[Row], bound: float) -> list[Row]:
    """The same for those that lie below it."""
    return _sure(rows, lambda row: _chance(row, 1 - row["value"], 1 - bound))


def _sure(rows: Sequence[Row], chance_of: Callable[[Row], float]) -> list[Row]:
    """Of the rows with support, those that hardly come by chance, over all that are looked at."""
    looked_at = rows_with_support(rows)
    chances = holm_adjust([chance_of(row) for row in looked_at])
    return [row for row, chance in zip(looked_at, chances, strict=True) if chance < FAMILYWISE_ALPHA]


def _chance(row: Row, value: float, bound: float) -> float:
    """How likely a share is so far from the bound, either way: what is said never contradicts a 95 % interval."""
    n = max(1, int(effective_rows(row)))
    return min(1.0, 2 * binomial_upper_tail(round(value * n), n, bound))


def effective_rows(row: Row) -> float:
    """How many equally weighted rows a share rests on: those of which Wilson's interval is the one that it has.

    >>> round(effective_rows({"value": 0.5, "low": 0.4038, "high": 0.5962, "n": 120}))
    100
    """
    value, end = row["value"], row["low"] if row["value"] > 0.5 else row["high"]
    if end is None or value == end:
        return float(row["n"])
    return float(min(row["n"], Z_95 * Z_95 * end * (1 - end) / (value - end) ** 2))
