"""Budgets of the configuration against stored calls: what is spent, the pace, the forecast, and their alert rules."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from controlsurface.alerting.rules.rule_loader import load_rule_files
from controlsurface.alerting.rules.rule_models import BudgetRule
from controlsurface.client import LocalClient, RemoteClient
from controlsurface.client.queries.costs.budgets_query import BudgetsArgs, BudgetsQuery
from controlsurface.config import Config, parse_config
from controlsurface.errors import ConfigError, UnknownName
from controlsurface.store.duckdb import DuckStore
from tests.cli.test_prices import said
from tests.serving import serving
from tests.stores import put

AT = datetime(2026, 11, 18, 12, tzinfo=UTC)
MONTH, MONDAY = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)
CONFIG = parse_config(
    {
        "budgets": [
            {"name": "Search", "usd": 100, "team": "search"},
            {"name": "Ads chat", "usd": 5, "period": "week", "team": "ads", "task_type": "chat"},
            {"name": "Everything", "usd": "12345.678901"},
        ]
    },
    "test",
)


@pytest.fixture(scope="module")
def calls() -> list[dict[str, Any]]:
    """Six weeks of calls, a few an hour; some without a price, some sampled."""
    return [
        {
            "started_at": AT + timedelta(hours=2) - timedelta(hours=number, minutes=7 * (number % 5)),
            "team": ("search", "ads", None)[number % 3],
            "task_type": ("chat", "code")[number // 3 % 2],
            "cost_usd": None if number % 11 == 0 else Decimal(number % 7) / 100,
            "sample_weight": 10.0 if number % 13 == 0 else 1.0,
        }
        for number in range(42 * 24)
    ]


@pytest.fixture(scope="module")
def reader(calls: list[dict[str, Any]]) -> Iterator[LocalClient]:
    store = DuckStore.in_memory()
    put(store, calls, "attempts")
    yield LocalClient(store, config=CONFIG)
    store.close()


def budgets(reader: Any, *names: str, at: datetime = AT) -> dict[str, dict[str, Any]]:
    answer = reader.run(BudgetsQuery(BudgetsArgs(at=at, budget=names)))
    return {row["name"]: row for row in answer.rows.to_pylist()}


def spent(calls: list[dict[str, Any]], since: datetime, **owner: str) -> float:
    """The cost of the calls of an owner until AT, by hand."""
    mine = (call for call in calls if since <= call["started_at"] < AT)
    return float(
        sum(
            (call["cost_usd"] or 0) * Decimal(call["sample_weight"])
            for call in mine
            if all(call[name] == value for name, value in owner.items())
        )
    )


def test_a_budget_is_spent_by_the_calls_of_its_owner_since_its_period_began(
    reader: LocalClient, calls: list[dict[str, Any]]
) -> None:
    found = budgets(reader)
    assert [*found] == ["Search", "Ads chat", "Everything"]
    assert found["Search"]["spent_usd"] == pytest.approx(spent(calls, MONTH, team="search"))
    assert found["Ads chat"]["spent_usd"] == pytest.approx(spent(calls, MONDAY, team="ads", task_type="chat"))
    assert found["Everything"]["spent_usd"] == pytest.approx(spent(calls, MONTH))
    assert found["Everything"]["budget_usd"] == 12345.678901
    assert (found["Search"]["team"], found["Search"]["job"]) == ("search", None)
    assert 0.8 < found["Search"]["priced_share"] < 1


def test_a_budgets_pace_is_its_share_spent_by_the_share_of_its_period(reader: LocalClient) -> None:
    row = budgets(reader, "Ads chat")["Ads chat"]
    assert (row["start"], row["end"]) == (MONDAY, MONDAY + timedelta(days=7))
    assert row["elapsed_share"] == pytest.approx(2.5 / 7)
    assert row["burn"] == pytest.approx(row["spent_usd"] / 5 / (2.5 / 7))


def test_a_budgets_forecast_is_what_its_period_came_to_in_the_end(
    reader: LocalClient, calls: list[dict[str, Any]]
) -> None:
    early = budgets(reader, "Search", at=AT - timedelta(days=3))["Search"]
    so_far = spent(calls, MONTH, team="search") / (AT - MONTH).days
    assert early["low_usd"] < so_far * 30 < early["high_usd"]
    assert early["history_days"] == 28
    first = budgets(reader, "Search", at=AT - timedelta(days=38))["Search"]
    assert (first["status"], first["forecast_usd"], first["history_days"]) == ("unknown", None, 3)


def test_a_server_says_of_its_budgets_what_the_store_does(reader: LocalClient) -> None:
    with serving(reader) as url:
        remote = RemoteClient(url)
        assert budgets(remote) == budgets(reader)
        remote.close()


def test_a_budget_of_no_such_name_is_told_the_nearest(reader: LocalClient) -> None:
    with pytest.raises(UnknownName, match="no budget named 'Serch'; did you mean 'Search'"):
        budgets(reader, "Serch")


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"name": "a", "usd": 1, "teem": "x"}, "budgets.0.teem: no such key; did you mean 'team'"),
        ({"name": "a", "usd": 0}, "budgets.0.usd: Input should be greater than 0"),
        ({"usd": 1}, "budgets.0.name: must be given"),
        ({"name": "b", "usd": 1}, "budgets: 2 budgets are named 'b'"),
    ],
)
def test_a_wrong_budget_is_refused_with_its_place(table: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError) as found:
        parse_config({"budgets": [table, {"name": "b", "usd": 1}]}, "c.toml")
    assert problem in str(found.value)


def test_a_store_whose_first_calls_of_the_period_are_gone_says_so(calls: list[dict[str, Any]]) -> None:
    store = DuckStore.in_memory()
    put(store, calls[:24], "attempts")
    reader = LocalClient(store, config=CONFIG)
    assert not budgets(reader, "Search")["Search"]["cut"]
    with store.writing() as writing:
        writing.execute("INSERT INTO retained BY NAME SELECT 'requests' AS kind, TIMESTAMP '2026-11-10' AS gone_before")
    assert [row["cut"] for row in budgets(reader).values()] == [True, False, True]
    store.close()


def test_the_rules_of_budgets_are_rules(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        "[[budgets]]\nname = 'Search \"x\"'\nusd = 500.5\nteam = 'search: 1'\n"
        "[[budgets]]\nname = 'All'\nusd = 7\nperiod = 'week'\n"
    )
    code, rules, problem = said("--config", tmp_path / "c.toml", "budgets", "--rules")
    assert (code, problem) == (0, "")
    (tmp_path / "budgets.yaml").write_text(rules)
    first, second = load_rule_files([tmp_path / "budgets.yaml"]).rules.values()
    assert isinstance(first, BudgetRule)
    assert isinstance(second, BudgetRule)
    assert (first.budget.usd, first.where, first.budget.period.days) == (500.5, {"team": ("search: 1",)}, 30)
    assert (second.budget.usd, second.where, second.budget.period.days) == (7, {}, 7)


def test_the_command_shows_budgets_and_says_where_none_is_configured(tmp_path: Path) -> None:
    store = DuckStore.open(tmp_path / "data")
    put(store, [{"started_at": datetime.now(UTC), "cost_usd": Decimal("2.5"), "team": "search"}], "attempts")
    store.close()
    code, _, problem = said("budgets", "--data", tmp_path / "data")
    assert (code, problem) == (0, "controlsurface: budgets: no [[budgets]] in the configuration (docs/budgets.md)\n")
    (tmp_path / "c.toml").write_text("[[budgets]]\nname = 'Search'\nusd = 2\nteam = 'search'\n")
    options = ("--config", tmp_path / "c.toml", "budgets", "--data", tmp_path / "data")
    _, table, _ = said(*options)
    assert "exceeded" in table
    (row,) = json.loads(said(*options, "--format", "json")[1])["rows"]
    assert (row["spent_usd"], row["status"], row["calls"]) == (2.5, "exceeded", 1)


def test_without_budgets_there_are_none() -> None:
    store = DuckStore.in_memory()
    assert budgets(LocalClient(store, config=Config())) == {}
    store.close()
