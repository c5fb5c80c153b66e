"""What a month would cost under a stated mix of tasks: by the choice, and with every request in one tier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import polars as pl

from controlsurface.money.price_edition import PriceEdition
from controlsurface.money.price_estimate import estimate_costs
from controlsurface.profile.tier_choice import TierChoice

DAYS_A_MONTH = 30
Mix = Mapping[str, float]  # requests a day by task type
Costs = Mapping[tuple[str, str], Decimal | None]  # USD a call by task type and tier; None: unknown


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """USD a month of `plan` (the choice, or `all <tier>`), of the requests that have a price; None of none.

    `low`, `high`: by the interval of the share that escalates; prices and tokens are taken as they are.
    """

    plan: str
    requests: float
    priced: float
    cost_usd: Decimal | None
    low: Decimal | None
    high: Decimal | None

    @property
    def priced_share(self) -> float | None:
        """Share of the month's requests that has a price."""
        return self.priced / self.requests if self.requests else None


def priced_answers(
    answers: pl.DataFrame, models: Mapping[str, str], edition: PriceEdition, at: datetime
) -> pl.DataFrame:
    """The answers with `cost_usd`, a decimal: as collected, else by tokens at the prices of `at`; null: unknown."""
    calls = answers.select(pl.col("tier").replace_strict(models).alias("model"), "input_tokens", "output_tokens")
    estimated = estimate_costs(calls, edition, at)
    known = pl.col("input_tokens").is_not_null() & pl.col("output_tokens").is_not_null()
    by_tokens = pl.when(known).then(pl.lit(estimated))
    return answers.with_columns(pl.coalesce(pl.col("cost_usd").cast(estimated.dtype), by_tokens).alias("cost_usd"))


def call_costs(answers: pl.DataFrame) -> Costs:
    """USD a call by task type and tier: the mean of the answers whose cost is known."""
    sums = answers.group_by("task_type", "tier").agg(pl.col("cost_usd").sum(), pl.col("cost_usd").count().alias("n"))
    return {(task, tier): usd / n if n else None for task, tier, usd, n in sums.iter_rows()}


def monthly_costs(choices: Sequence[TierChoice], costs: Costs, mix: Mix, tiers: Sequence[str]) -> list[MonthlyCost]:
    """The choice first, then every request in one tier. Of what escalates both calls are paid."""
    plans = {"chosen": choices} | {
        f"all {tier}": [TierChoice(each.task_type, tier, "best", False, "") for each in choices] for tier in tiers
    }
    return [_month(plan, parts, costs, mix) for plan, parts in plans.items()]


def _month(plan: str, choices: Sequence[TierChoice], costs: Costs, mix: Mix) -> MonthlyCost:
    requests = DAYS_A_MONTH * sum(mix.get(each.task_type, 0) for each in choices)
    priced, sums = 0.0, [Decimal(0)] * 3
    for each in choices:
        monthly = DAYS_A_MONTH * mix.get(each.task_type, 0)
        first = costs.get((each.task_type, each.tier))
        second = costs.get((each.task_type, each.escalate_to)) if each.escalate_to else Decimal(0)
        if first is None or second is None:
            continue
        priced += monthly
        shares = (each.escalated, each.escalated_low, each.escalated_high)
        sums = [
            total + Decimal(str(monthly)) * (first + Decimal(str(share)) * second)
            for total, share in zip(sums, shares, strict=True)
        ]
    known = sums if priced else [None] * 3
    return MonthlyCost(plan, requests, priced, *known)
