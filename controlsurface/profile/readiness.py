"""What should be so before a router decides for users: a checklist, each line with what it rests on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from controlsurface.config import ProfileConfig
from controlsurface.profile.cost_projection import MonthlyCost
from controlsurface.profile.pass_criteria import PassCriteria
from controlsurface.profile.tier_choice import TierChoice


@dataclass(frozen=True, slots=True)
class ReadinessCheck:
    """One line: what should be so, whether it is, and what is known of it."""

    check: str
    ok: bool
    detail: str


def readiness_checks(
    judged: pl.DataFrame,
    rates: pl.DataFrame,
    criteria: PassCriteria,
    choices: Sequence[TierChoice],
    months: Sequence[MonthlyCost],
    tiers: Sequence[str],
    bounds: ProfileConfig,
) -> list[ReadinessCheck]:
    """Every check, in the order in which one would mend them."""
    return [ReadinessCheck(*each) for each in _checks(judged, rates, criteria, choices, months, tiers, bounds)]


def _checks(
    judged: pl.DataFrame,
    rates: pl.DataFrame,
    criteria: PassCriteria,
    choices: Sequence[TierChoice],
    months: Sequence[MonthlyCost],
    tiers: Sequence[str],
    bounds: ProfileConfig,
) -> Iterator[tuple[str, bool, str]]:
    tasks = [choice.task_type for choice in choices]
    prompts = judged.select("task_type", "prompt_id").n_unique()
    yield "enough prompts", prompts >= bounds.min_prompts, f"{prompts} of at least {bounds.min_prompts}"
    bare = [task for task in tasks if criteria.of(task) is None]
    yield "every task type has a criterion", not bare, _named(bare, "without one")
    unjudged = judged["passed"].null_count()
    yield "every answer could be judged", not unjudged, f"{unjudged} of {judged.height} could not"
    unpaired = judged.group_by("task_type", "prompt_id").len().filter(pl.col("len") < len(tiers)).height
    yield "every tier answered every prompt", not unpaired, f"{unpaired} of {prompts} prompts lack an answer"
    undecided = [choice.task_type for choice in choices if not choice.shown]
    yield "the evidence decides every task type", not undecided, _named(undecided, "need more prompts")
    enough = {*rates.filter(pl.col("low") >= bounds.escalating)["task_type"]}
    short = [task for task in tasks if task not in enough]
    yield f"some tier passes {bounds.escalating:.0%} of every task type", not short, _named(short, "no tier does")
    blind = [choice.task_type for choice in choices if choice.escalate_to and choice.threshold is None]
    yield "what escalates has a threshold", not blind, _named(blind, "answers carry no confidence that would tell")
    share = months[0].priced_share if months else None
    yield "every request has a price", share == 1.0, "no mix was stated" if share is None else f"{share:.0%} of the mix"


def _named(tasks: Sequence[str], words: str) -> str:
    return f"{', '.join(tasks)}: {words}" if tasks else "all"
