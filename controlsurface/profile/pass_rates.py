"""How often each tier passes each task, with intervals, and by how much one tier passes more than another."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from controlsurface.arrays import Floats
from controlsurface.metrics.statistics import Z_95, wilson_interval
from controlsurface.profile.pass_criteria import PassCriteria


def judge_answers(answers: pl.DataFrame, criteria: PassCriteria) -> pl.DataFrame:
    """The answers with `passed`: true, false, or null where no criterion could be held against one."""
    found = []
    for row in answers.iter_rows(named=True):
        criterion = criteria.of(row["task_type"])
        found.append(None if criterion is None else criterion.passes(row))
    return answers.with_columns(pl.Series("passed", found, pl.Boolean))


def pass_rates(judged: pl.DataFrame) -> pl.DataFrame:
    """A row a task type and tier: n, passed, unjudged, rate with its Wilson interval (null of none), means, latency."""
    passed = pl.col("passed")
    rows = judged.group_by("task_type", "tier", maintain_order=True).agg(
        passed.count().cast(pl.Int64).alias("n"),
        passed.sum().cast(pl.Int64).alias("passed"),
        passed.null_count().cast(pl.Int64).alias("unjudged"),
        pl.col("input_tokens", "output_tokens").mean(),
        *(
            (pl.col("latency_s") * 1000).quantile(part / 100, "linear").alias(f"latency_ms_p{part}")
            for part in (50, 95)
        ),
    )
    n = rows["n"].to_numpy().astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = rows["passed"].to_numpy() / n
    low, high = wilson_interval(rate, n)
    ends = {"rate": rate, "low": low, "high": high}
    return rows.with_columns(pl.Series(name, each).fill_nan(None) for name, each in ends.items())


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """By how much the rate of one tier is above another's, of prompts that both answered.

    `differing`: the share of prompts that one of them passes alone.
    """

    n: int
    differing: float
    value: float
    low: float
    high: float


def paired_difference(judged: pl.DataFrame, task_type: str, above: str, below: str) -> PairedDifference | None:
    """`above`'s pass rate less `below`'s, with the interval of Bonett and Price (2012); None without pairs."""
    sides = [
        judged.filter(task_type=task_type, tier=tier).drop_nulls("passed").select("prompt_id", "passed")
        for tier in (above, below)
    ]
    pairs = sides[0].join(sides[1], on="prompt_id", suffix="_below")
    n = pairs.height
    if not n:
        return None
    more = int((pairs["passed"] & ~pairs["passed_below"]).sum())
    less = int((~pairs["passed"] & pairs["passed_below"]).sum())
    low, high = (float(end[0]) for end in paired_difference_ends(np.array([more]), np.array([less]), n))
    return PairedDifference(n, (more + less) / n, (more - less) / n, low, high)


def paired_difference_ends(more: Floats, less: Floats, n: int) -> tuple[Floats, Floats]:
    """Both ends (Bonett and Price 2012) where of n prompts `more` are passed by the one alone, `less` by the other."""
    one, other = (more + 1) / (n + 2), (less + 1) / (n + 2)
    half = Z_95 * np.sqrt((one + other - (one - other) ** 2) / (n + 2))
    return np.maximum(one - other - half, -1.0), np.minimum(one - other + half, 1.0)
