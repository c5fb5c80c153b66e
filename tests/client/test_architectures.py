"""Architectures side by side: whole costs told apart from the product's SQL, and comparisons that would mislead."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.costs.architectures_query import ArchitecturesArgs, ArchitecturesQuery
from controlsurface.client.queries.costs.incidents import IncidentBody, RecordIncident
from controlsurface.client.query_protocol import Result
from controlsurface.config import Config
from controlsurface.config.architectures import ArchitectureConfig
from controlsurface.config.control_costs import ControlConfig
from tests.ingest.loading import CONFIG, Loaded
from tests.ingest.spans import T0_NS, S, body, call, route

AT = datetime.fromtimestamp(T0_NS / 1e9, UTC)
WEEK = {"start": AT - timedelta(days=1), "end": AT + timedelta(days=1)}
MONTHS = 2 / (365.25 / 12)  # of the two days
ARCHITECTURES = {
    "agents": ArchitectureConfig(where=("tenant:agents",)),
    "hybrid": ArchitectureConfig(where=("tenant:hybrid",), monthly_usd=30),
}
SETUP = CONFIG.model_copy(update={"architectures": ARCHITECTURES, "control": ControlConfig(hourly_usd=60)})


def answered(trace: int, owner: str, cost: float, kind: str = "chat", **more: Any) -> list[S]:
    """A request that one call answers at a cost that the span tells."""
    unit = route(1, trace=trace, tenant=owner, task_type=kind)
    return [unit, call(2, 1, trace=trace, controlsurface__cost_usd=cost, **more)]


def many(first: int, n: int, owner: str, cost: float, kind: str = "chat") -> list[S]:
    return [each for trace in range(first, first + n) for each in answered(trace, owner, cost, kind)]


def compared(*spans: S, config: Config = SETUP, by: str = "architecture", incidents: Any = ()) -> Result:
    store = Loaded(config)
    store.load([("traces", body(*spans))])
    client = LocalClient(store.store, config=config)
    for minutes, about in incidents:
        client.execute(RecordIncident(IncidentBody(started_at=AT, minutes=minutes, slice=about, recorded_by="ada")))
    return client.run(ArchitecturesQuery(ArchitecturesArgs.model_validate({**WEEK, "by": by})))


def rows(found: Result) -> dict[str | None, Mapping[str, Any]]:
    return {row["name"]: row for row in as_dicts(found.rows)}


def text(found: Result) -> str:
    (crossing,) = found.facts["crossings"]
    return str(crossing["text"])


def test_two_architectures_cross_where_their_fixed_and_variable_costs_say() -> None:
    found = compared(
        *many(1, 40, "agents", 0.03), *many(101, 40, "hybrid", 0.01), incidents=[(6, ("architecture:hybrid",))]
    )
    agents, hybrid = rows(found)["agents"], rows(found)["hybrid"]
    assert (agents["fixed_usd_per_month"], hybrid["fixed_usd_per_month"]) == pytest.approx((0, 6 / MONTHS + 30))
    assert (agents["variable_usd"], hybrid["variable_usd"]) == pytest.approx((0.03, 0.01))
    assert hybrid["usd_per_1000_requests"] == pytest.approx(1000 * (0.01 + (6 / MONTHS + 30) / (40 / MONTHS)))
    (crossing,) = found.facts["crossings"]
    assert crossing["requests"] == pytest.approx((6 / MONTHS + 30) / 0.02)
    assert (crossing["below"], crossing["above"]) == ("agents", "hybrid")


# A provider bills what failed and what was tried again, and a tool that keeps the last answer alone does not know:
# https://github.com/sjnims/cc-plugin-eval/issues/330
def test_failed_and_repeated_calls_are_in_the_cost_of_a_request() -> None:
    spans = []
    for trace in range(1, 41):
        retry = call(3, 1, trace=trace, at=20, controlsurface__cost_usd=0.01)
        first = call(2, 1, trace=trace, controlsurface__cost_usd=0.02)
        spans += [route(1, trace=trace, tenant="agents"), replace(first, error=True), retry]
    row = rows(compared(*spans))["agents"]
    assert (row["usd_per_request"], row["steps_per_request"], row["n"]) == pytest.approx((0.03, 2, 40))


# Attempts are no requests: https://github.com/BerriAI/litellm/issues/39455
def test_a_request_that_failed_costs_what_it_cost_and_is_one_request() -> None:
    failed = [
        replace(each, error=True) if each.own == 2 else each
        for trace in range(101, 121)
        for each in answered(trace, "agents", 0.05)
    ]
    row = rows(compared(*many(1, 20, "agents", 0.01), *failed))["agents"]
    assert (row["n"], row["error_rate"]) == (40, 0.5)
    assert row["usd_per_request"] == pytest.approx(fmean([0.01] * 20 + [0.05] * 20))
    assert (row["failed_step"], row["failed_step_share"]) == ("chat slm-7b", 1)


# Simpson's paradox: https://support.optimizely.com/hc/en-us/articles/18208725352589
def test_architectures_with_unlike_traffic_are_not_held_against_each_other() -> None:
    agents = [*many(1, 36, "agents", 0.01, "chat"), *many(101, 4, "agents", 0.1, "code")]
    hybrid = [*many(201, 4, "hybrid", 0.02, "chat"), *many(301, 36, "hybrid", 0.2, "code")]
    found = compared(*agents, *hybrid)
    (crossing,) = found.facts["crossings"]
    assert (crossing["requests"], crossing["below"]) == (None, None)
    assert crossing["unlike"] == pytest.approx(0.8)
    assert "unlike traffic, 80% of the requests" in text(found)


# A model of one's own without a price read as free: https://github.com/archestra-ai/archestra/pull/6906
def test_calls_without_a_price_do_not_make_an_architecture_cheap() -> None:
    unpriced = [
        each
        for trace in range(101, 141)
        for each in (route(1, trace=trace, tenant="hybrid", task_type="chat"), call(2, 1, trace=trace, model="own-7b"))
    ]
    found = compared(*many(1, 40, "agents", 0.03), *unpriced)
    row = rows(found)["hybrid"]
    assert [row[name] for name in ("usd_per_request", "variable_usd", "usd_per_1000_requests")] == [None] * 3
    assert "the cost of 0 requests of hybrid is known, of 30 needed" in text(found)


# https://github.com/SigNoz/signoz/issues/4654
def test_a_failing_step_whose_name_counts_up_is_one_step_and_a_models_name_stays() -> None:
    def failing(trace: int, name: str) -> list[S]:
        step = S(2, 1, name=name, error=True, trace=trace)
        return [route(1, trace=trace, tenant="agents"), step, replace(call(3, 1, trace=trace, at=20), error=True)]

    def below(spans: list[S]) -> list[S]:
        return [replace(each, parent=2) if each.own == 3 and each.trace % 2 else each for each in spans]

    counted = [each for trace in range(1, 9) for each in failing(trace, f"agent_step_{trace}")]
    row = rows(compared(*counted))["agents"]
    assert row["failed_step"] in {"agent_step_#", "chat slm-7b"}
    assert row["failed_step_share"] == 0.5
    row = rows(compared(*below(counted)))["agents"]
    assert (row["failed_step"], row["failed_step_share"]) == ("chat slm-7b", pytest.approx(8 / 12))


def test_engineer_minutes_that_name_no_architecture_are_told_and_in_none() -> None:
    found = compared(*many(1, 40, "agents", 0.03), incidents=[(30, ()), (10, ("architecture:agents",))])
    assert found.facts["unassigned_minutes"] == 30
    assert rows(found)["agents"]["engineer_minutes"] == 10


def test_requests_of_no_architecture_have_a_row_and_no_curve() -> None:
    found = compared(*many(1, 40, "agents", 0.03), *many(101, 40, "nobody", 0.03))
    assert {name: row["n"] for name, row in rows(found).items()} == {"agents": 40, None: 40}
    assert found.facts["crossings"] == []


def versioned(trace: int) -> list[S]:
    unit, answer = answered(trace, "agents", 0.01 + trace % 2 / 100)
    return [replace(unit, attributes={**unit.attributes, "controlsurface.router.version": f"v{trace % 2}"}), answer]


def test_router_versions_are_compared_by_the_same_query() -> None:
    found = compared(*(each for trace in range(1, 81) for each in versioned(trace)), by="router_version")
    assert text(found).startswith("No crossing: v0 costs less at any volume")


# Savings of a router that leave out the call that chooses: https://github.com/BerriAI/litellm/issues/38816
def test_the_routers_own_calls_are_in_the_cost_of_a_request() -> None:
    spans = []
    for trace in range(1, 41):
        unit, answer = answered(trace, "hybrid", 0.001)
        chooser = call(3, 1, trace=trace, at=-20, controlsurface__purpose="classifier", controlsurface__cost_usd=0.002)
        spans += [unit, chooser, answer]
    row = rows(compared(*spans))["hybrid"]
    assert (row["usd_per_request"], row["steps_per_request"]) == pytest.approx((0.003, 2))


# An agent's span that repeats its calls' tokens: https://github.com/Arize-ai/openinference/issues/3164
def test_an_agent_that_repeats_the_usage_of_its_calls_is_counted_once() -> None:
    spans = []
    for trace in range(1, 41):
        unit, answer = answered(trace, "agents", 0.01)
        total: dict[str, str | int | float | bool] = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.usage.input_tokens": 10,
        }
        agent = S(3, 1, total, 0, 90, trace=trace, name="invoke_agent")
        spans += [unit, agent, replace(answer, parent=3)]
    row = rows(compared(*spans))["agents"]
    assert (row["input_tokens_per_request"], row["usd_per_request"]) == pytest.approx((10, 0.01))


# A call that was refused for its rate is not billed: https://github.com/langfuse/langfuse/issues/9038
def test_a_refused_call_without_usage_costs_nothing_and_is_a_call() -> None:
    spans = []
    for trace in range(1, 41):
        unit, answer = answered(trace, "agents", 0.01)
        spans += [unit, call(3, 1, trace=trace, at=-20, error=True, error__type="429"), answer]
    row = rows(compared(*spans))["agents"]
    assert (row["usd_per_request"], row["steps_per_request"], row["priced_share"]) == pytest.approx((0.01, 2, 1))
