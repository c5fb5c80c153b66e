"""Which lane is the better one for a task type, by graded answers of both: the evidence that is read first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from controlsurface.client.advice.advice_row import MIN_SUPPORT_ROWS
from controlsurface.client.query_protocol import StoreSession
from controlsurface.formatting import format_difference, format_ratio
from controlsurface.metrics.statistics import (
    FAMILYWISE_ALPHA,
    PairedSums,
    holm_adjust,
    normal_upper_tail,
    paired_interval,
    paired_p_value,
)
from controlsurface.query.statement import Statement

_SQL = Path(__file__).with_suffix(".sql").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class GradedPairs:
    """Grades from 0 to 1 of the large and the small lane's answers to the same `n` requests of a task type.

    `gap` is large minus small, `low` and `high` its 95 % interval, `chance` how likely so large a gap is where neither
    lane is better, among all task types that were looked at. `times_the_cost` of the small lane is what the large one
    cost on these requests; None: unknown.
    """

    task_type: str | None
    n: int
    large: float
    small: float
    gap: float
    low: float | None
    high: float | None
    error: float
    chance: float
    times_the_cost: float | None

    @property
    def worse(self) -> bool:
        """Whether the large lane is surely the worse one."""
        return self.gap < 0 and self.chance < FAMILYWISE_ALPHA

    def said(self) -> str:
        """The figures in a sentence."""
        times = f", at {self.times_the_cost:.3g} times the cost" if self.times_the_cost is not None else ""
        gap = f"difference {format_difference(self.gap, 'ratio')}"
        if self.low is not None and self.high is not None:
            gap += f", {format_difference(self.low, 'ratio')} to {format_difference(self.high, 'ratio')}"
        return (
            f"Of {self.n:,} graded pairs the large lane is right in {format_ratio(self.large)} and the small one in "
            f"{format_ratio(self.small)}{times} ({gap})"
        )


def graded_pairs(session: StoreSession, start: datetime, end: datetime) -> list[GradedPairs]:
    """The task types with at least SUPPORT graded pairs in a window, most pairs first; none without large lanes."""
    large = [name for name, lane in session.config.lanes.items() if lane.escalation]
    if not large:
        return []
    audit = session.config.audit
    window = {"low": start, "high": end}
    rules = {"evaluation": audit.grade_evaluation, "grade_labels": audit.grade_labels, "large": large}
    rules |= {"support": MIN_SUPPORT_ROWS}
    return test_graded_pairs(session.rows(Statement(_SQL, window | rules, "advice.graded")).to_pylist())


def test_graded_pairs(rows: Sequence[Mapping[str, Any]]) -> list[GradedPairs]:
    """What the sums of each task type say, all looked at together; too few pairs are not looked at."""
    enough = [row for row in rows if row["n"] >= MIN_SUPPORT_ROWS]
    chances = holm_adjust([paired_p_value(row["gaps"], row["squares"], row["sizes"]) for row in enough])
    return [_pairs(row, chance) for row, chance in zip(enough, chances, strict=True)]


def _pairs(row: Mapping[str, Any], chance: float) -> GradedPairs:
    """One task type; the error is that of a ratio of sums (Taylor's linearisation)."""
    gap, n = row["gaps"] / row["weight"], row["n"]
    residual = row["squares"] - 2 * gap * row["products"] + gap * gap * row["weights"]
    error = sqrt(max(residual, 0) * n / (n - 1)) / row["weight"]
    low, high = _interval(row)
    told = (row["task_type"], n, row["large"], row["small"])
    return GradedPairs(*told, gap, low, high, error, chance, row["times_the_cost"])


def _interval(row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Both ends of the interval of a gap: the one that audits show, and none where few pairs weigh most."""
    names = (field.name for field in fields(PairedSums))
    low, high, _, _ = paired_interval(PairedSums(**{name: np.asarray(row[name], dtype=np.float64) for name in names}))
    return (None, None) if np.isnan(low) else (float(low), float(high))


def gaps_above(pairs: Sequence[GradedPairs], bound: float) -> list[GradedPairs]:
    """Those whose gap lies above a bound, over all that are looked at."""
    return _sure(pairs, [each.gap - bound for each in pairs])


def gaps_below(pairs: Sequence[GradedPairs], bound: float) -> list[GradedPairs]:
    """Those whose gap lies below a bound, over all that are looked at."""
    return _sure(pairs, [bound - each.gap for each in pairs])


def _sure(pairs: Sequence[GradedPairs], beyond: Sequence[float]) -> list[GradedPairs]:
    """Those that lie surely beyond; pairs that never differ are sure of their gap."""
    chances = [
        min(1.0, 2 * normal_upper_tail(far / each.error)) if each.error else float(far <= 0)
        for each, far in zip(pairs, beyond, strict=True)
    ]
    return [each for each, chance in zip(pairs, holm_adjust(chances), strict=True) if chance < FAMILYWISE_ALPHA]
