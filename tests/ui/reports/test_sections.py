"""Tabs of Routing, Cost and Quality: each opens by its address, and their own figures are those worked out by hand."""

import polars as pl
import pytest

from controlsurface.ui.reports.cost_sections import context_costs
from controlsurface.ui.reports.reliability_section import failure_shares
from controlsurface.ui.reports.unit_cost_section import unit_cost_rows
from tests.ui.conftest import Open
from tests.ui.test_pages import html

SECTIONS = {
    ("routing.py", "Reliability"): ("Chains by task type", "Depth over time", "Where chains fail"),
    ("cost.py", "Explore"): ("Cost by team", "Cost and tokens by model"),
    ("cost.py", "Savings"): ("Saved vs all-large", "Savings by task type"),
    ("cost.py", "Budgets"): ("Budgets", "No budget is configured"),
    ("cost.py", "Export"): ("Weekly attribution",),
    ("cost.py", "Caches"): ("Hits by layer", "Prompt caches by model", "Changes of the model within sessions"),
    ("cost.py", "Batch"): ("Jobs that could wait", "Discount by model"),
    ("cost.py", "Context and growth"): ("Context anatomy", "Growth by task type"),
    ("cost.py", "Jobs"): (
        "Cost by job",
        "Cost per job run",
        "Cost per session",
        "Cost per completed task",
        "Own hardware",
    ),
    ("quality.py", "Gates"): ("Gates by task type and model", "Evaluations by name and task type"),
}


@pytest.mark.parametrize(("page", "part"), SECTIONS)
def test_a_section_opens_by_its_address(opened: Open, seeded_url: str, page: str, part: str) -> None:
    app = opened(seeded_url, page, range="7d", part=part)
    said = html(app)
    assert not app.exception
    assert all(title in said for title in SECTIONS[page, part])
    assert app.dataframe or "cs-state" in said


def test_a_part_of_another_page_in_the_address_opens_the_first(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "routing.py", range="24h", part="Review")
    assert not app.exception
    assert "Escalation by kind" in html(app)


def test_input_cost_is_divided_by_tokens_and_what_nobody_says_is_a_row() -> None:
    sums = {"context_system_tokens": 100.0, "context_retrieved_tokens": 200.0, "context_history_tokens": None}
    sums |= {"context_tools_tokens": 0.0, "input_tokens": 1000.0, "input_cost": 1.5, "cached_input_cost": 0.5}
    rows = {row["origin"]: (row["share"], row["cost"]) for row in context_costs(sums).to_dicts()}
    assert rows["system prompt"] == pytest.approx((0.1, 0.2))
    assert rows["unattributed"] == pytest.approx((0.7, 1.4))
    assert sum(cost for _, cost in rows.values()) == pytest.approx(2.0)


def test_a_completed_task_of_few_judged_requests_costs_nothing_that_is_known() -> None:
    rows = pl.DataFrame({"name": ["a", "b"], "known": [29, 30], "cost_per_unit": [1.0, 3.0]})
    assert unit_cost_rows(rows, "task")["cost_per_unit"].to_list() == [None, 3.0]
    assert unit_cost_rows(rows, "run")["cost_per_unit"].to_list() == [1.0, 3.0]


def test_no_tokens_make_no_rows() -> None:
    nothing = dict.fromkeys(
        ("context_system_tokens", "context_retrieved_tokens", "context_history_tokens", "context_tools_tokens")
    ) | dict.fromkeys(("input_tokens", "input_cost", "cached_input_cost"))
    assert context_costs(nothing).is_empty()


def test_the_share_of_few_spans_is_unknown_and_others_have_an_interval() -> None:
    found = pl.DataFrame({"name": ["a", "b"], "origins": [3, 3], "unanswered": [0, 0], "n": [29, 100]})
    few, many = failure_shares(found).to_dicts()
    assert few["share"] is None
    assert many["share"] == pytest.approx(0.03)
    assert many["low"] < 0.03 < many["high"]
