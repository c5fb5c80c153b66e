"""Whether a metric holds a bound over a window, for whoever must decide now: a deployment that goes on or stops."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from controlsurface.config.section import parse_duration
from controlsurface.errors import BadRequest
from controlsurface.formatting import format_interval, format_value

Verdict = Literal["holds", "broken", "too few"]

_NUMBER = re.compile(r"(\$?)(-?\d+(?:\.\d+)?)\s*(%?)")


def parse_bound(text: str, unit: str) -> float:
    """A bound as people write it, in the unit of the metric: `20%` or `0.2`, `2s` or `2000`. Raises BadRequest.

    >>> parse_bound("20%", "ratio"), parse_bound("1m30s", "ms"), parse_bound("$0.003", "usd")
    (0.2, 90000.0, 0.003)
    """
    found = _NUMBER.fullmatch(text.strip())
    if found and not (found[1] and unit != "usd") and not (found[3] and unit != "ratio"):
        return float(found[2]) / 100 if found[3] else float(found[2])
    if unit == "ms":
        try:
            length = parse_duration(text)
        except ValueError:
            length = None
        if isinstance(length, timedelta):
            return length / timedelta(milliseconds=1)
    example = {"ratio": "20% or 0.2", "ms": "2s or 2000", "usd": "$0.003 or 0.003"}.get(unit, "12.5")
    raise BadRequest(f"'{text}' is no bound of a metric in {unit}: write one like {example}")


@dataclass(frozen=True, slots=True)
class GateBound:
    """Above `above` or below `below` is broken; with `certain` only where the whole 95 % interval is."""

    above: float | None = None
    below: float | None = None
    certain: bool = False
    min_rows: int = 50

    def verdict(self, row: Mapping[str, Any]) -> Verdict:
        """Of a row of a metric: value, n, and low and high where it has an interval; unknown never holds."""
        value = row["value"]
        if value is None or (row["n"] or 0) < self.min_rows:
            return "too few"
        low, high = (row.get(name) if self.certain else value for name in ("low", "high"))
        if low is None or high is None:
            raise BadRequest("this metric has no interval: leave --certain out")
        over = self.above is not None and low > self.above
        under = self.below is not None and high < self.below
        return "broken" if over or under else "holds"


def gate_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """Of all slices: broken where one is, and held only where at least one could be judged."""
    found = set(verdicts)
    return "broken" if "broken" in found else "holds" if "holds" in found else "too few"


def describe_row(row: Mapping[str, Any], by: Iterable[str], unit: str) -> str:
    """A row in words: its slice, the value with interval and n."""
    slice_ = ", ".join(f"{name} {row[name] if row[name] is not None else 'unknown'}" for name in by)
    interval = f", {format_interval(row['low'], row['high'], unit)}" if row.get("low") is not None else ""
    value = f"{format_value(row['value'], unit)}{interval}, n {row['n'] or 0:,.0f}"
    return f"{slice_}: {value}" if slice_ else value
