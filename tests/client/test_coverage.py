"""The shares of facts are those that plain counting finds, and what they are said to feed exists."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.client.queries.coverage_query import (
    ALL_SERVICES,
    CoverageQuery,
    coverage_by_service,
    coverage_state,
    missing_facts,
)
from controlsurface.client.queries.span_facts import FACTS, FACTS_BY_NAME
from controlsurface.errors import BadRequest
from controlsurface.query.arguments import WeekRange
from controlsurface.shipped_paths import ALERTS, DASHBOARDS
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

END = datetime(2026, 2, 1, tzinfo=UTC)
INSIDE = END - timedelta(days=1)
Row = dict[str, Any]


def told(store: DuckStore, **window: Any) -> list[Row]:
    return LocalClient(store).run(CoverageQuery(WeekRange(**{"end": END} | window))).rows.to_pylist()


def one(rows: list[Row], fact: str, service: str | None = None) -> Row:
    """The row of a fact, of one service or (none) of all."""
    mine = [row for row in rows if row["fact"] == fact and row["all_services"] is (service is None)]
    (row,) = (row for row in mine if row["all_services"] or row["service"] == service)
    return row


def filled(rows: list[Row]) -> list[Row]:
    store = DuckStore.in_memory()
    put(store, [{"started_at": INSIDE} | row for row in rows])
    try:
        return told(store)
    finally:
        store.close()


WEIGHTED: Mapping[str, Callable[[Row], bool]] = {
    "lane": lambda row: row["lane"] != "unknown",
    "task_type": lambda row: row["task_type"] is not None,
}
REQUESTS = st.lists(
    st.fixed_dictionaries(
        {
            "service": st.sampled_from(["api", "batch", "web"]),
            "lane": st.sampled_from(["small", "large", "unknown"]),
            "task_type": st.sampled_from([None, "sql", "chat"]),
            "sample_weight": st.sampled_from([1.0, 2.0, 10.0]),
            "started_at": st.sampled_from([INSIDE, END, END - timedelta(days=8)]),
        }
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=15, deadline=None)
@given(REQUESTS)
def test_fact_shares_are_those_of_the_weighted_rows_in_the_window_by_service_and_in_all(rows: list[Row]) -> None:
    found = filled(rows)
    inside = [row for row in rows if row["started_at"] == INSIDE]
    for name, known in WEIGHTED.items():
        for service in (None, *sorted({row["service"] for row in inside})):
            mine = [row for row in inside if service in {None, row["service"]}]
            weight = sum(row["sample_weight"] for row in mine)
            share = sum(row["sample_weight"] for row in mine if known(row)) / weight if weight else None
            row = one(found, name, service)
            assert (row["n"], row["share"]) == (len(mine), pytest.approx(share))


def test_fact_shares_without_rows_are_unknown_and_not_zero() -> None:
    store = DuckStore.in_memory()
    rows = told(store)
    store.close()
    assert [row["fact"] for row in rows] == [each.name for each in FACTS]
    assert {(row["n"], row["share"], row["state"]) for row in rows} == {(0, None, "no rows")}


def test_calls_say_their_model_tokens_and_cost_each_among_those_that_could() -> None:
    store = DuckStore.in_memory()
    calls: list[Row] = [
        {"model": "m", "input_tokens": 1, "output_tokens": 1, "cost_usd": 0.1},
        {"model": "m", "input_tokens": 1, "output_tokens": None},
        {"model": None, "input_tokens": None, "output_tokens": None, "failed": True, "billable": False},
        {"model": "e", "input_tokens": 1, "output_tokens": None, "cost_usd": 0.1, "purpose": "embedding"},
    ]
    put(store, [{"started_at": INSIDE} | row for row in calls], "attempts")
    rows = told(store)
    store.close()
    found = {name: (one(rows, name)["n"], one(rows, name)["share"]) for name in ("model", "tokens", "cost", "lane")}
    assert found == {"model": (4, 0.75), "tokens": (2, 0.5), "cost": (3, pytest.approx(2 / 3)), "lane": (0, None)}


def test_shadows_count_the_requests_that_they_answer_again() -> None:
    store = DuckStore.in_memory()
    put(store, [{"started_at": INSIDE, "request_id": f"r{i}"} for i in range(4)])
    shadow: Row = {"started_at": INSIDE, "purpose": "shadow", "answer_label": "yes"}
    again: list[Row] = [
        {"request_id": "r1", "shadow_of": None, "sampling_probability": 0.1},
        {"request_id": None, "shadow_of": "r2", "sampling_probability": None},
    ]
    put(store, [shadow | row for row in again], "attempts")
    rows = told(store)
    store.close()
    found = {name: (one(rows, name)["n"], one(rows, name)["share"]) for name in ("shadow", "sampling", "answer_label")}
    assert found == {"shadow": (4, 0.5), "sampling": (2, 0.5), "answer_label": (2, 1.0)}


def shipped() -> list[Row]:
    """The rules in alerts/, as they are written."""
    files = [path for path in ALERTS.glob("*.yaml") if not path.name.endswith(".test.yaml")]
    return [rule for path in files for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def test_every_page_and_alert_rule_that_a_fact_feeds_exists() -> None:
    for fact in FACTS:
        assert {*fact.pages} <= {path.stem for path in DASHBOARDS.glob("*.py")} - {"app"}, fact.name
        assert {*fact.rules} <= {rule["alert"] for rule in shipped()}, fact.name
        assert fact.pages or fact.rules, fact.name


@pytest.mark.parametrize("dimension", ["task_type", "lane"])
def test_every_shipped_rule_by_a_dimension_is_said_to_need_it(dimension: str) -> None:
    needing = {rule["alert"] for rule in shipped() if dimension in rule.get("by", [])}
    assert needing
    assert needing <= {*FACTS_BY_NAME[dimension].rules}


def test_a_fact_without_values_is_empty_and_one_with_too_few_is_weak() -> None:
    found = dict(missing_facts(filled([{"task_type": "sql" if i else None, "lane": "small"} for i in range(3)])))
    (weak,) = (line for line in found if line.startswith("Task type"))
    assert weak.startswith("Task type, 66.7 % of 3: weak on overview, routing, ")
    assert "; too little data for EscalationRateHigh, " in weak
    assert "`controlsurface.task_type`" in found[weak]
    assert any(line.startswith("Threshold, 0.0 % of 3: empty on ") for line in found)
    assert not any(line.startswith(("Lane", "Model")) for line in found)


@pytest.mark.parametrize(
    ("share", "said"), [(None, "no rows"), (0, "none"), (0.5, "some"), (0.95, "enough"), (1, "enough")]
)
def test_a_fact_share_has_a_state(share: float | None, said: str) -> None:
    assert coverage_state(FACTS_BY_NAME["task_type"], share) == said


def test_services_stand_side_by_side_where_there_are_several() -> None:
    row = {"lane": "small", "task_type": "sql"}
    assert [*coverage_by_service(filled([row | {"service": "api"}]))[0]] == ["fact", "of", ALL_SERVICES]
    lines = coverage_by_service(filled([row | {"service": name} for name in ("web", "api", None)]))
    assert [*lines[0]] == ["fact", "of", ALL_SERVICES, "api", "web", "unknown service"]
    assert [line["web"] for line in lines if line["fact"] in {"Model", "Task type"}] == ["–", "100.0 % of 1"]


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(BadRequest, match="lies before start"):
        WeekRange(start=END, end=INSIDE)
