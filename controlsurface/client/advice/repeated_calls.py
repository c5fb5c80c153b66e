"""Calls that a cache of exact prompts would have answered, by task type."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from controlsurface.client.query_protocol import StoreSession
from controlsurface.metrics.statistics import wilson_interval
from controlsurface.query.statement import Statement

_SQL = Path(__file__).with_suffix(".sql").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class RepeatedCalls:
    """Of `n` answered calls with a prompt's hash, the `share` that repeat one, with its 95 % interval.

    A call repeats another that the same model answered for the same tenant, in another request, no longer than the
    cache's time to live before. That time counts from the answer that is kept, and is not prolonged by its use. A call
    that begins before the answer is there is no repeat. `saved_usd` is what the priced repeats cost (`priced_share` of
    all repeats), `cost_usd` what all of the calls did; None where no price tells. Prompts, not calls, are the units of
    the interval (linearised variance of a ratio; Cochran 1977, section 6.13): one prompt asked often is one prompt.
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
    share = repeats / n
    low, high = wilson_interval(np.array([share]), np.array([_effective(row, share)]))
    figures = (n, row["prompts"], share, float(low[0]), float(high[0]), row["saved_usd"], row["cost_usd"])
    return RepeatedCalls(row["task_type"], *figures, row["priced"] / repeats if repeats else 0.0)


def _effective(row: Mapping[str, Any], share: float) -> float:
    """How many independent calls the share is worth: no more than there are, no less than one."""
    n, prompts = row["n"], row["prompts"]
    if prompts < 2:
        return 1.0
    spread = row["repeat_squares"] - 2 * share * row["products"] + share * share * row["squares"]
    variance = max(spread, 0.0) * prompts / (prompts - 1) / n**2
    return float(max(1.0, min(n, share * (1 - share) / variance))) if variance else float(n)
