"""What a profile comes to: the month it projects, the policy it exports and the checks it makes."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from controlsurface.audit.policy.litellm import ProxyModels
from controlsurface.audit.policy.litellm_import import policy_from_yaml
from controlsurface.cli import run_command
from controlsurface.config import CostsConfig, LaneConfig, ProfileConfig
from controlsurface.errors import BadRequest
from controlsurface.money.price_edition import price_edition
from controlsurface.profile.answer_table import read_answers
from controlsurface.profile.model_profile import ModelProfile, profile_answers, stated_mix
from controlsurface.profile.pass_criteria import read_criteria
from controlsurface.profile.profile_policy import profile_policy

MODELS = {"small": "gpt-5-nano", "large": "gpt-5"}
DAY = datetime(2026, 3, 1, tzinfo=UTC)
PRICES = """
[[price]]
model = "gpt-5-nano"
input = 0.05
output = 0.40

[[price]]
model = "gpt-5"
input = 1.25
output = 10
"""


def answer_file(folder: Path, tasks: dict[str, tuple[int, int]], n: int = 300) -> Path:
    """Answers of both models to n prompts of each task, of which so many pass; 1,000 tokens in and 200 out."""
    rows = [
        {
            "task_type": task,
            "prompt_id": i,
            "model": model,
            "score": float(i < k),
            "input_tokens": 1000,
            "output_tokens": 200,
        }
        for task, passing in tasks.items()
        for model, k in zip(MODELS.values(), passing, strict=True)
        for i in range(n)
    ]
    path = folder / "answers.parquet"
    pl.DataFrame(rows).write_parquet(path)
    return path


def profiled(folder: Path, tasks: dict[str, tuple[int, int]], requests: float | None = None) -> ModelProfile:
    prices = folder / "prices.toml"
    prices.write_text(PRICES, "utf-8")
    table = read_answers(answer_file(folder, tasks), MODELS)
    edition = price_edition(CostsConfig(prices=str(prices)))
    return profile_answers(
        table, MODELS, read_criteria(None), ProfileConfig(), edition, stated_mix(table, requests, {}), DAY
    )


def test_the_month_is_that_of_each_tasks_tier_with_both_calls_of_what_escalates(tmp_path: Path) -> None:
    found = profiled(tmp_path, {"easy": (300, 300), "middling": (285, 300), "hard": (90, 290)}, requests=3000)
    small = Decimal("0.05") * 1000 / 10**6 + Decimal("0.40") * 200 / 10**6
    large = Decimal("1.25") * 1000 / 10**6 + Decimal(10) * 200 / 10**6
    month = 30 * 1000
    chosen, all_small, all_large = found.months
    expected = month * small + month * (small + large * Decimal("0.05")) + month * large
    assert chosen.cost_usd == pytest.approx(expected, rel=Decimal("1e-9"))
    assert chosen.low is not None
    assert chosen.high is not None
    assert chosen.low < expected < chosen.high
    assert (all_small.cost_usd, all_large.cost_usd) == (3 * month * small, 3 * month * large)
    assert (chosen.requests, chosen.priced_share) == (90_000, 1.0)


def test_a_model_without_a_price_leaves_the_month_of_its_tasks_out_and_the_check_says_so(tmp_path: Path) -> None:
    table = read_answers(answer_file(tmp_path, {"easy": (300, 300)}), MODELS)
    models = {"small": "nobody-sells-this-9", "large": "gpt-5"}
    found = profile_answers(
        table, models, read_criteria(None), ProfileConfig(), price_edition(CostsConfig()), {"easy": 10.0}, DAY
    )
    assert (found.months[0].cost_usd, found.months[0].priced_share) == (None, 0.0)
    assert {each.check: each.ok for each in found.checks}["every request has a price"] is False


def test_without_a_stated_mix_no_month_is_projected(tmp_path: Path) -> None:
    found = profiled(tmp_path, {"easy": (300, 300)})
    assert found.months == []


def test_total_requests_are_shared_out_as_the_prompts_are(tmp_path: Path) -> None:
    rows = [
        {"task": task, "id": i, "gpt-5-nano": 1.0, "gpt-5": 1.0} for task, n in (("a", 30), ("b", 10)) for i in range(n)
    ]
    pl.DataFrame(rows).write_parquet(tmp_path / "answers.parquet")
    assert stated_mix(read_answers(tmp_path / "answers.parquet", MODELS), 100, {}) == {"a": 75, "b": 25}


def test_the_policy_names_each_tasks_tier_and_the_dearest_for_what_nobody_profiled(tmp_path: Path) -> None:
    found = profiled(tmp_path, {"easy": (300, 300), "middling": (285, 300), "hard": (90, 290)})
    policy = profile_policy(found.choices, [*MODELS], 0.8)
    assert {task: (each.tier, each.escalate_to) for task, each in policy.task_types.items()} == {
        "easy": ("small", None),
        "middling": ("small", "large"),
        "hard": ("large", None),
    }
    assert policy.default is not None
    assert (policy.default.tier, policy.context_guard, policy.fallbacks) == ("large", 0.8, {"small": ("large",)})


def test_the_checklist_names_what_is_not_ready(tmp_path: Path) -> None:
    found = {each.check: each for each in profiled(tmp_path, {"easy": (300, 300), "hard": (90, 200)}).checks}
    assert found["enough prompts"].ok
    assert found["every tier answered every prompt"].ok
    assert not found["some tier passes 85% of every task type"].ok
    assert "hard" in found["some tier passes 85% of every task type"].detail


def said_by(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert run_command(["profile", *arguments]) == 0
    return capsys.readouterr().out


def test_the_command_writes_tables_json_a_policy_that_is_taken_and_litellms_yaml(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = answer_file(tmp_path, {"easy": (300, 300), "hard": (90, 290)})
    command = [str(file), "--models", "small=gpt-5-nano", "--model", "large=gpt-5", "--requests-per-day", "1000"]
    tables = said_by(command, capsys)
    assert "escalate_to" in tables
    assert "priced_share" in tables
    document: dict[str, Any] = json.loads(said_by([*command, "--format", "json"], capsys))
    assert [each["tier"] for each in document["choices"]] == ["small", "large"]
    policy = json.loads(said_by([*command, "--format", "policy"], capsys))
    assert policy["task_types"]["easy"]["tier"] == "small"
    text = said_by([*command, "--format", "litellm"], capsys)
    lanes = {"small": LaneConfig(), "large": LaneConfig(escalation=True)}
    read_back = policy_from_yaml(text, ProxyModels(lanes, MODELS), "auto_router.yaml").policy
    assert {task: each.tier for task, each in read_back.task_types.items()} == {"easy": "small", "hard": "large"}
    assert read_back.fallbacks == {"small": ("large",)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--models", "small=gpt-5-nano,small=gpt-5"], "each lane and each model stands once"),
        (["--models", "gpt-5-nano,gpt-5", "--alone", "0.8"], "escalating <= alone"),
        (["--models", "gpt-5-nano,gpt-5", "--mix", "hrad=3"], "no prompt of that task type; there are easy, hard"),
        (["--models", "gpt-5-nano,gpt-5", "--mix", "hard=many"], "is no number"),
        (["--models", "gpt-5-nano,gpt-5", "--endpoint", "http://127.0.0.1:9/v1"], "needs --answers FILE"),
    ],
)
def test_an_impossible_order_is_refused_with_what_would_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    file = answer_file(tmp_path, {"easy": (3, 3), "hard": (1, 2)}, 3)
    assert run_command(["profile", str(file), *arguments]) == BadRequest.exit_code
    assert said in capsys.readouterr().err
