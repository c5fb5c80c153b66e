"""Pass rates and the tier of each task, held against a direct computation on public scores and on made ones."""

import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.config import ProfileConfig
from controlsurface.profile.answer_table import read_answers
from controlsurface.profile.pass_criteria import read_criteria
from controlsurface.profile.pass_rates import judge_answers, paired_difference, pass_rates
from controlsurface.profile.tier_choice import TierChoice, choose_tiers

SMALL, LARGE = "llama_3_1_8b_instruct", "llama_3_1_nemotron_51b_instruct"
TIERS = {"small": SMALL, "large": LARGE}
ORDER = ["small", "large"]
Z = 1.959963984540054


def wilson_by_roots(k: int, n: int) -> tuple[float, float]:
    """The shares p at which |k/n - p| is z standard errors of p: the roots of a quadratic equation."""
    a, b, c = n + Z * Z, -(2 * k + Z * Z), k * k / n
    root = math.sqrt(b * b - 4 * a * c)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


@pytest.fixture(scope="module")
def llmrouter(shared_data: Path) -> Path:
    return shared_data / "llmrouter_uiuc" / "scores_train.parquet"


@pytest.fixture(scope="module")
def judged(llmrouter: Path) -> pl.DataFrame:
    return judge_answers(read_answers(llmrouter, TIERS), read_criteria(None))


def test_pass_rates_of_llmrouter_are_those_of_a_direct_count(judged: pl.DataFrame, llmrouter: Path) -> None:
    table = pl.read_parquet(llmrouter).to_dicts()
    rates = {(row["task_type"], row["tier"]): row for row in pass_rates(judged).to_dicts()}
    assert len(rates) == 2 * len({row["task_name"] for row in table})
    for (task, tier), found in rates.items():
        scores = [row[TIERS[tier]] for row in table if row["task_name"] == task]
        k, n = sum(score >= 0.5 for score in scores), len(scores)
        assert (found["passed"], found["n"], found["unjudged"]) == (k, n, 0)
        assert found["rate"] == k / n
        assert (found["low"], found["high"]) == pytest.approx(wilson_by_roots(k, n), abs=1e-12)


def test_tasks_of_llmrouter_where_the_small_model_passes_more_are_routed_down(
    judged: pl.DataFrame, llmrouter: Path
) -> None:
    choices = {each.task_type: each for each in choose_tiers(judged, pass_rates(judged), ORDER, ProfileConfig())}
    table = pl.read_parquet(llmrouter)
    for task, rows in table.group_by("task_name"):
        small, large = (rows.filter(pl.col(model) >= 0.5).height for model in (SMALL, LARGE))
        name = str(task[0])
        if small >= large:
            assert choices[name].tier == "small", name
        elif not passes(small, rows.height, 0.85):
            assert choices[name].tier == "large", name
    assert choices["natural_qa"].tier == "small"
    assert choices["natural_qa"].shown
    assert choices["mmlu"].tier == "large"


def passes(k: int, n: int, bound: float) -> bool:
    return wilson_by_roots(k, n)[0] >= bound


def answers(*of: tuple[str, list[bool | None]], confidences: list[float] | None = None) -> pl.DataFrame:
    """Judged answers of one task: each tier's, in the order of the prompts."""
    rows = [
        {
            "task_type": "chat",
            "prompt_id": str(index),
            "tier": tier,
            "passed": passed,
            "confidence": confidences[index] if confidences else None,
            **dict.fromkeys(("input_tokens", "output_tokens")),
            **dict.fromkeys(("cost_usd", "latency_s")),
        }
        for tier, each in of
        for index, passed in enumerate(each)
    ]
    numbers = [pl.col(name).cast(pl.Float64) for name in ("confidence", "cost_usd", "latency_s")]
    counts = [pl.col(name).cast(pl.Int64) for name in ("input_tokens", "output_tokens")]
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.col("passed").cast(pl.Boolean), *numbers, *counts
    )


def choice_of(table: pl.DataFrame, bounds: ProfileConfig | None = None) -> TierChoice:
    (found,) = choose_tiers(table, pass_rates(table), ORDER, bounds or ProfileConfig())
    return found


def share(passing: int, n: int) -> list[bool | None]:
    return [index < passing for index in range(n)]


def test_a_tier_answers_alone_only_where_its_interval_lies_above_the_bound() -> None:
    sure = choice_of(answers(("small", share(297, 300)), ("large", share(300, 300))))
    assert (sure.tier, sure.verdict, sure.escalate_to) == ("small", "alone", None)
    near = choice_of(
        answers(("small", share(287, 300)), ("large", share(300, 300)))
    )  # 95.7 %, its interval from 92.7 %
    assert (near.tier, near.verdict, near.escalate_to) == ("small", "with escalation", "large")
    assert near.escalated == pytest.approx(13 / 300)
    assert near.escalated_low < near.escalated < near.escalated_high


def test_what_escalates_is_what_lies_under_the_threshold_where_answers_have_confidences() -> None:
    confidences = [1 - index / 400 for index in range(400)]
    found = choice_of(answers(("small", share(360, 400)), ("large", share(400, 400)), confidences=confidences))
    assert found.threshold is not None
    over = [confidence for confidence in confidences if confidence >= found.threshold]
    assert found.escalated == pytest.approx(1 - len(over) / 400)
    k = min(360, len(over))
    assert passes(k, len(over), 0.95)
    assert not passes(min(360, len(over) + 1), len(over) + 1, 0.95)


def test_a_task_where_no_tier_passes_often_enough_says_how_sure_the_best_one_is() -> None:
    worse = choice_of(answers(("small", share(100, 300)), ("large", share(220, 300))))
    assert (worse.tier, worse.verdict, worse.shown, worse.more_prompts) == ("large", "best", True, None)
    open_ = choice_of(answers(("small", [*share(30, 60)]), ("large", [*share(28, 58), True, True, True][:60])))
    assert not open_.shown


def test_a_task_without_a_judged_answer_goes_to_the_dearest_tier_and_says_so() -> None:
    found = choice_of(answers(("small", [None, None]), ("large", [None, None])))
    assert (found.tier, found.verdict, found.shown) == ("large", "not judged", False)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_difference_of_two_tiers_is_that_of_their_rates_and_turns_its_sign_with_them(
    pairs: list[tuple[bool, bool]],
) -> None:
    table = answers(("small", [one for one, _ in pairs]), ("large", [other for _, other in pairs]))
    found, turned = (
        paired_difference(table, "chat", "large", "small"),
        paired_difference(table, "chat", "small", "large"),
    )
    assert found is not None
    assert turned is not None
    rates = dict(pass_rates(table).select("tier", "rate").iter_rows())
    assert found.value == pytest.approx(rates["large"] - rates["small"])
    assert (turned.value, turned.low, turned.high) == pytest.approx((-found.value, -found.high, -found.low))
    assert -1 <= found.low <= found.value + 1e-9 or found.n < 3
    assert found.differing == pytest.approx(sum(one != other for one, other in pairs) / len(pairs))


@given(st.integers(1, 400), st.data(), st.floats(0.5, 1))
def test_more_passing_answers_never_send_a_task_to_a_dearer_tier(n: int, data: st.DataObject, bound: float) -> None:
    k = data.draw(st.integers(0, n - 1))
    bounds = ProfileConfig(alone=max(bound, 0.9), escalating=bound)
    large: tuple[str, list[bool | None]] = ("large", share(n // 2, n))
    fewer, more = (choice_of(answers(("small", share(each, n)), large), bounds) for each in (k, k + 1))
    assert ORDER.index(more.tier) <= ORDER.index(fewer.tier)
