"""Which tier a task type begins with, by its pass rates: held against two bounds by the interval, not by the rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

import numpy as np
import polars as pl

from controlsurface.config import ProfileConfig
from controlsurface.formatting import format_ratio
from controlsurface.metrics.statistics import Z_95, wilson_interval
from controlsurface.profile.pass_rates import PairedDifference, paired_difference

Verdict = Literal["alone", "with escalation", "best", "not judged"]


@dataclass(frozen=True, slots=True)
class TierChoice:
    """The tier that a task type begins with.

    `verdict`: alone: it passes often enough; with escalation: often enough where `escalate_to` takes what fails; best:
    no tier passes often enough, and no dearer one passes more. `shown`: the evidence decides it at 95 %; where not,
    about `more_prompts` more would. `threshold`: of confidence, below which to escalate, where answers have one.
    `escalated`: the share that goes up (its interval: `escalated_low` to `escalated_high`): what is under the
    threshold; without one, what fails, which is the least that can.
    """

    task_type: str
    tier: str
    verdict: Verdict
    shown: bool
    reason: str
    escalate_to: str | None = None
    threshold: float | None = None
    escalated: float = 0.0
    escalated_low: float = 0.0
    escalated_high: float = 0.0
    more_prompts: int | None = None


def choose_tiers(
    judged: pl.DataFrame, rates: pl.DataFrame, tiers: Sequence[str], bounds: ProfileConfig
) -> list[TierChoice]:
    """A choice for each task type, in the order of the table. `tiers` from cheap to dear."""
    found = []
    for task_type in rates["task_type"].unique(maintain_order=True):
        by_tier = {row["tier"]: row for row in rates.filter(task_type=task_type).iter_rows(named=True) if row["n"]}
        known = [tier for tier in tiers if tier in by_tier]
        if known:
            found.append(_TaskRates(task_type, judged, by_tier, known, bounds).choice())
        else:
            found.append(TierChoice(task_type, tiers[-1], "not judged", False, "no answer of it could be judged"))
    return found


@dataclass(frozen=True, slots=True)
class _TaskRates:
    task_type: str
    judged: pl.DataFrame
    rates: Mapping[str, Mapping[str, Any]]
    tiers: Sequence[str]
    bounds: ProfileConfig

    def choice(self) -> TierChoice:
        alone, escalating = (self._first_over(bound) for bound in (self.bounds.alone, self.bounds.escalating))
        if alone is not None and alone == escalating:
            return self._passing(alone, "alone", self.bounds.alone)
        if escalating is None:
            return self._best()
        up = self._next_up(escalating)
        if up is None:  # nothing above it passes more
            return self._passing(escalating, "best", self.bounds.escalating)
        return self._passing(escalating, "with escalation", self.bounds.escalating, up)

    def _first_over(self, bound: float) -> str | None:
        """The cheapest tier whose interval lies above a bound."""
        return next((tier for tier in self.tiers if self.rates[tier]["low"] >= bound), None)

    def _passing(self, tier: str, verdict: Verdict, bound: float, up: str | None = None) -> TierChoice:
        words = f"passes {_rate(self.rates[tier])}, at least {format_ratio(bound)}"
        if up is None:
            return TierChoice(self.task_type, tier, verdict, True, words)
        threshold = self._threshold(tier)
        return TierChoice(self.task_type, tier, verdict, True, words, up, threshold, *self._escalated(tier, threshold))

    def _escalated(self, tier: str, threshold: float | None) -> tuple[float, float, float]:
        """The share that goes up, and the ends of its interval."""
        row = self.rates[tier]
        if threshold is None:
            return 1 - row["rate"], 1 - row["high"], 1 - row["low"]
        confidences = self.judged.filter(task_type=self.task_type, tier=tier)["confidence"].drop_nulls()
        share = np.array([(confidences < threshold).mean()])
        low, high = wilson_interval(share, np.array([float(len(confidences))]))
        return float(share[0]), float(low[0]), float(high[0])

    def _next_up(self, tier: str) -> str | None:
        """The next dearer tier that passes more."""
        dearer = self.tiers[self.tiers.index(tier) + 1 :]
        return next((each for each in dearer if self.rates[each]["rate"] > self.rates[tier]["rate"]), None)

    def _best(self) -> TierChoice:
        """The cheapest tier that no dearer one passes more than."""
        tier = next(each for each in self.tiers if self._next_up(each) is None)
        others = {
            other: paired_difference(self.judged, self.task_type, tier, other) for other in self.tiers if other != tier
        }
        open_ = [each for other, each in others.items() if not _is_decided(each, self._is_cheaper(other, tier))]
        words = (
            f"no tier passes {format_ratio(self.bounds.escalating)} for sure; {tier} passes {_rate(self.rates[tier])}"
        )
        words += "".join(f", {_against(other, each)}" for other, each in others.items() if each)
        return TierChoice(self.task_type, tier, "best", not open_, words, more_prompts=_more_prompts(open_))

    def _is_cheaper(self, one: str, other: str) -> bool:
        return self.tiers.index(one) < self.tiers.index(other)

    def _threshold(self, tier: str) -> float | None:
        """The lowest confidence from which on the tier passes often enough alone; null without confidences."""
        rows = self.judged.filter(task_type=self.task_type, tier=tier).drop_nulls(["passed", "confidence"])
        ranked = rows.sort("confidence", descending=True).with_columns(
            pl.col("passed").cum_sum().alias("k"), pl.int_range(1, pl.len() + 1).alias("m")
        )
        ends = ranked.group_by("confidence", maintain_order=True).last()  # equal confidences stay together
        m = ends["m"].to_numpy().astype(float)
        low, _ = wilson_interval(ends["k"].to_numpy() / m, m)
        enough = ends.filter(pl.Series(low >= self.bounds.alone))
        return None if enough.is_empty() else float(enough["confidence"].min())  # type: ignore[arg-type]


def _is_decided(difference: PairedDifference | None, cheaper: bool) -> bool:
    """Whether the evidence decides against the other tier: a cheaper one passes less, a dearer one not more."""
    if difference is None:
        return False
    return difference.low > 0 if cheaper else difference.low >= 0


def _more_prompts(undecided: Sequence[PairedDifference | None]) -> int | None:
    """How many more would decide the most even pair of tiers, if they go on to differ as they did; None: unknown."""
    known = [each for each in undecided if each and each.value]
    if not known or len(known) < len(undecided):
        return None
    return max(ceil(Z_95**2 * (each.differing - each.value**2) / each.value**2) - each.n for each in known)


def _rate(row: Mapping[str, Any]) -> str:
    return f"{format_ratio(row['rate'])} of {row['n']} ({format_ratio(row['low'])} to {format_ratio(row['high'])})"


def _against(other: str, each: PairedDifference) -> str:
    points = (f"{100 * value:+.1f}" for value in (each.value, each.low, each.high))
    value, low, high = points
    return f"{value} points ({low} to {high}) against {other} on {each.n} pairs"
