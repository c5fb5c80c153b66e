"""Calls that a cache of exact prompts would have answered, by task type."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from controlsurface.arrays import Floats
from controlsurface.client.query_protocol import StoreSession
from controlsurface.metrics.statistics import Z_95, student_quantile, wilson_interval
from controlsurface.query.statement import Statement

MIN_PROMPTS = 3  # different ones, under which a share is worth one call
_SQL = Path(__file__).with_suffix(".sql").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class RepeatedCalls:
    """Of `n` answered calls with a prompt's hash, the `share` that repeat one, with its 95 % interval.

    A call repeats another that the same model answered for the same tenant, in another request, no longer than the
    cache's time to live before. That time counts from the answer that is kept, and is not prolonged by its use. A call
    that begins before the answer is there is no repeat. `saved_usd` is what the priced repeats cost (`priced_share` of
    all repeats), `cost_usd` what all of the calls did; None where no price tells. Prompts, not calls, are the units of
    the interval (a ratio of sums; Cochran 1977, section 2.11): one prompt asked often is one prompt.
    """

    task_type: str | None
    n: int
    prompts: int
    share: float
    low: float
    high: float
    saved_usd: float | None
    cost_usd: float | None
    priced_share: float

    @property
    def row(self) -> dict[str, Any]:
        """As a row of a metric."""
        named = ("task_type", "n", "low", "high")
        return {"value": self.share} | {name: getattr(self, name) for name in named}


def repeated_calls(session: StoreSession, start: datetime, end: datetime) -> list[RepeatedCalls]:
    """The task types with calls whose prompts have a hash, most calls first."""
    advice = session.config.advice
    terms = {"ttl_ms": advice.cache_ttl / timedelta(milliseconds=1), "across_tenants": advice.cache_across_tenants}
    asked = Statement(_SQL, {"low": start, "high": end} | terms, "advice.repeats")
    return [_repeated(row) for row in session.rows(asked).to_pylist()]


def _repeated(row: Mapping[str, Any]) -> RepeatedCalls:
    n, repeats = row["n"], row["repeats"]
    sums = (np.array([float(row[name])]) for name in PROMPT_SUMS)
    low, high = (float(end[0]) for end in repeated_share_interval(*sums))
    figures = (n, row["prompts"], repeats / n, low, high, row["saved_usd"], row["cost_usd"])
    return RepeatedCalls(row["task_type"], *figures, row["priced"] / repeats if repeats else 0.0)


PROMPT_SUMS = ("prompts", "n", "repeats", "squares", "products", "repeat_squares")


def repeated_share_interval(
    prompts: Floats, n: Floats, repeats: Floats, squares: Floats, products: Floats, repeat_squares: Floats
) -> tuple[Floats, Floats]:
    """Both ends for the share of `n` calls of so many `prompts` that are `repeats`.

    `squares`, `products` and `repeat_squares` are the sums over prompts of n n, n repeats and repeats repeats: from
    these the linearised variance of a ratio, and from that the number of calls that the share is worth: no more than
    there are, fewer by Student's t where prompts are few (Korn and Graubard 1998), and one where there are under three.
    """
    share = repeats / n
    few = prompts < MIN_PROMPTS
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.maximum(repeat_squares - 2 * share * products + share * share * squares, 0)
        worth = share * (1 - share) * n * n / (spread * prompts / (prompts - 1))
        worth = np.where(np.isfinite(worth), worth, prompts) * (Z_95 / student_quantile(prompts - 1)) ** 2
    return wilson_interval(share, np.where(few, 1.0, np.clip(worth, 1.0, n)))
