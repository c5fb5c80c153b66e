"""A profile: everything that answers of each tier say, as one document."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from controlsurface.config import ProfileConfig
from controlsurface.money.price_edition import PriceEdition
from controlsurface.profile.answer_table import Tiers
from controlsurface.profile.cost_projection import Mix, MonthlyCost, call_costs, monthly_costs, priced_answers
from controlsurface.profile.pass_criteria import PassCriteria
from controlsurface.profile.pass_rates import judge_answers, pass_rates
from controlsurface.profile.readiness import ReadinessCheck, readiness_checks
from controlsurface.profile.tier_choice import TierChoice, choose_tiers


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """Pass rates, choices, months and checks. `edition`: the fingerprint of the prices."""

    tiers: Tiers
    criteria_version: int
    edition: str
    rates: pl.DataFrame
    choices: list[TierChoice]
    months: list[MonthlyCost]
    checks: list[ReadinessCheck]

    def tables(self) -> dict[str, pl.DataFrame]:
        """What a reader sees: `pass rates`, `tiers`, `months` (none without a mix) and `readiness`."""
        order = {tier: number for number, tier in enumerate(self.tiers)}
        rates = "task_type tier n rate low high unjudged latency_ms_p50 call_usd".split()
        tiers = "task_type tier shown verdict escalate_to threshold escalated more_prompts reason".split()
        months = "plan cost_usd low high requests priced_share".split()
        found = {
            "pass rates": self.rates.select(rates).sort("task_type", pl.col("tier").replace_strict(order)),
            "tiers": pl.DataFrame([asdict(each) for each in self.choices], infer_schema_length=None).select(tiers),
            "readiness": pl.DataFrame([asdict(each) for each in self.checks]),
        }
        if self.months:
            rows = [asdict(each) | {"priced_share": each.priced_share} for each in self.months]
            found["months"] = pl.DataFrame(rows, infer_schema_length=None).select(months)
        return found

    def why(self, file: str) -> str:
        """What a policy made of it says of where it comes from."""
        return f"profile of {file}, criteria {self.criteria_version}, prices {self.edition}"

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        months = [asdict(each) | {"priced_share": each.priced_share} for each in self.months]
        return {
            "tiers": dict(self.tiers),
            "criteria_version": self.criteria_version,
            "price_edition": self.edition,
            "pass_rates": self.rates.to_dicts(),
            "choices": [asdict(each) for each in self.choices],
            "months": months,
            "readiness": [asdict(each) for each in self.checks],
        }


def profile_answers(
    answers: pl.DataFrame,
    tiers: Tiers,
    criteria: PassCriteria,
    bounds: ProfileConfig,
    edition: PriceEdition,
    mix: Mix | None = None,
    at: datetime | None = None,
) -> ModelProfile:
    """The profile of answers (answer_table.read_answers), at the prices of `at`, or of now.

    `mix`: requests a day by task type; without it nothing is projected.
    """
    judged = priced_answers(judge_answers(answers, criteria), tiers, edition, at or datetime.now(UTC))
    rates = pass_rates(judged)
    order = [*tiers]
    choices = choose_tiers(judged, rates, order, bounds)
    costs = call_costs(judged)
    months = monthly_costs(choices, costs, mix, order) if mix else []
    checks = readiness_checks(judged, rates, criteria, choices, months, order, bounds)
    shown = rates.with_columns(
        pl.Series("call_usd", [costs[key] for key in rates.select("task_type", "tier").iter_rows()], pl.Decimal(38, 12))
    )
    return ModelProfile(tiers, criteria.version, edition.fingerprint, shown, choices, months, checks)


def stated_mix(answers: pl.DataFrame, total: float | None, given: Mapping[str, float]) -> Mix | None:
    """Requests a day by task type: those given; else `total` shared out as the prompts are; None where neither is."""
    if given or total is None:
        return given or None
    counts = answers.unique(["task_type", "prompt_id"])["task_type"].value_counts()
    whole = counts["count"].sum()
    return {task: total * count / whole for task, count in counts.iter_rows()}
