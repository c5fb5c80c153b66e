"""Reports from the field about money that went missing, was counted twice, or fell into another week: small inputs.

What each call must cost is written beside it by hand; the reports of single prices are in `public/cases.toml`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.costs.budgets_query import BudgetsArgs, BudgetsQuery
from controlsurface.client.queries.metric_queries import AttributionQuery
from controlsurface.collector.ingest_engine import IngestEngine
from controlsurface.config import parse_config
from controlsurface.config.budgets import BudgetPeriod
from controlsurface.errors import BadRequest
from controlsurface.money.budget_forecast import budget_period, forecast_spend
from controlsurface.money.cost_attribution import AttributionArgs, week_of, week_start
from controlsurface.store.duckdb import DuckStore
from tests.ingest.spans import T0_NS, S, call, route
from tests.money.test_price_editions import send, serving
from tests.stores import put

PRICES = """
[[price]]
model = 'fable-5'
input = 10
cached_input = 1
output = 50
[[price]]
model = 'opus-4.8'
input = 5
cached_input = 0.5
output = 25
[[price]]
model = 'kimi-k3'
input = 0.2
output = 0.6
"""
USD = Decimal


def used(given: int, said: int, cached: int = 0) -> dict[str, Any]:
    tokens = {"input_tokens": given, "output_tokens": said, "cache_read__input_tokens": cached}
    return {f"gen_ai__usage__{name}": count for name, count in tokens.items()}


def failed(own: int, parent: int, model: str, trace: int, at: int = 0) -> S:
    """A call that was refused, and so says no tokens."""
    return call(own, parent, model, at=at, error=True, trace=trace)


# Each trace with what its request costs.
REQUESTS: dict[str, tuple[list[S], Decimal]] = {
    "promptdriven/pdd issue 509: the cost of a retry took the place of that of the first try": (
        [
            route(1, trace=1),
            call(2, 1, "opus-4.8", trace=1, **used(1000, 100)),
            call(3, 1, "opus-4.8", at=20, trace=1, **used(1200, 200)),
        ],
        USD("0.0075") + USD("0.011"),
    ),
    "BerriAI/litellm pull request 28476: a try that failed pinned the cost of its retry to 0": (
        [route(1, trace=2), failed(2, 1, "opus-4.8", 2), call(3, 1, "opus-4.8", at=20, trace=2, **used(9700, 30))],
        USD("0.04925"),
    ),
    "BerriAI/litellm pull request 39294: tries that models of other prices declined were charged as the last": (
        [
            route(1, trace=3),
            call(2, 1, "fable-5", trace=3, **used(560186, 299, 560186)),
            call(3, 1, "opus-4.8", at=20, trace=3, **used(560186, 11116, 560186)),
        ],
        USD("0.575136") + USD("0.557993"),
    ),
    "BerriAI/litellm issue 8810: no cost at all where a fallback answered": (
        [route(1, trace=4), failed(2, 1, "fable-5", 4), call(3, 1, "opus-4.8", at=20, trace=4, **used(100, 10))],
        USD("0.00075"),
    ),
    "BerriAI/litellm issue 15740: one answer, told by an outer and an inner span, was charged twice": (
        [
            route(1, trace=5),
            call(2, 1, "opus-4.8", trace=5, gen_ai__response__id="r-5", **used(100, 10)),
            call(3, 2, "opus-4.8", trace=5, gen_ai__response__id="r-5", **used(100, 10)),
        ],
        USD("0.00075"),
    ),
    "BerriAI/litellm pull request 38656: the model that a router served was priced by the route's name": (
        [route(1, trace=6), call(2, 1, "router/any", trace=6, gen_ai__response__model="kimi-k3", **used(90, 10))],
        USD("0.000024"),
    ),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngestEngine]:
    with serving(tmp_path_factory.mktemp("public"), PRICES) as engine:
        for _ in range(2):  # an exporter that got no answer sends again
            send(engine, *(span for spans, _ in REQUESTS.values() for span in spans))
        yield engine


@pytest.mark.parametrize("report", REQUESTS)
def test_a_request_costs_each_of_its_calls_once_at_its_own_price(engine: IngestEngine, report: str) -> None:
    spans, cost = REQUESTS[report]
    sql = "SELECT cost_usd, priced FROM requests WHERE trace_id = $trace"
    rows = engine.store.state(sql, {"trace": f"{spans[0].trace:032x}"}).to_pylist()
    assert rows == [{"cost_usd": cost, "priced": True}]


def test_the_sum_of_a_week_is_that_of_these_requests(engine: IngestEngine) -> None:
    args = AttributionArgs(week=week_of(datetime.fromtimestamp(T0_NS / 1e9, UTC)))
    (row,) = engine.reader().run(AttributionQuery(args)).rows.to_pylist()
    assert row["cost_usd"] == sum(cost for _, cost in REQUESTS.values())


def test_ten_thousand_tiny_calls_cost_ten_thousand_times_a_tiny_call() -> None:
    """Each was rounded to 0.00 (langfuse issue 1041); ten of 0.10 came to 0.9999999999999999 (genblaze issue 63)."""
    store = DuckStore.in_memory()
    start = week_start("2026-W03")
    put(store, [{"started_at": start, "cost_usd": USD("0.000000150000"), "team": "a"}] * 10_000, "attempts")
    put(store, [{"started_at": start, "cost_usd": USD("0.1"), "team": "b"}] * 10, "attempts")
    rows = LocalClient(store).run(AttributionQuery(AttributionArgs(week="2026-W03", by=("team",)))).rows.to_pylist()
    assert {row["team"]: row["cost_usd"] for row in rows} == {"a": USD("0.0015"), "b": USD(1)}
    store.close()


@pytest.mark.parametrize("week", ["2025-W53", "2024-W53", "2027-W53", "2026-W00", "2026-W54"])
def test_a_week_that_its_year_does_not_have_is_refused(week: str) -> None:
    """It was answered with days of the next year: newrelic-experimental/preflight issue 153."""
    with pytest.raises(BadRequest, match=f"'{week}' is not a week"):
        AttributionArgs(week=week)


@pytest.mark.parametrize(
    ("day", "week"),
    [("2025-12-30", "2026-W01"), ("2022-01-01", "2021-W52"), ("2022-12-31", "2022-W52"), ("2027-01-03", "2026-W53")],
)
def test_days_at_the_end_of_a_year_are_in_the_week_of_the_weeks_own_year(day: str, week: str) -> None:
    """Year of the day and number of the week were mixed: Doist/bitmapist pull request 86, jotaen/klog issue 143."""
    at = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    assert week_of(at) == week
    store = DuckStore.in_memory()
    put(store, [{"started_at": at, "cost_usd": USD(1)}], "attempts")
    (row,) = LocalClient(store).run(AttributionQuery(AttributionArgs(week=week))).rows.to_pylist()
    assert row["cost_usd"] == 1
    store.close()


def test_a_budget_begins_at_midnight_of_its_first_day_whenever_its_first_call_came() -> None:
    """It began with its first call, or a zone too late: BerriAI/litellm issue 10288, pull request 38938."""
    config = parse_config({"budgets": [{"name": "w", "usd": 9, "period": "week"}, {"name": "m", "usd": 9}]}, "c")
    shanghai, midnight = timezone(timedelta(hours=8)), datetime(2026, 6, 1, tzinfo=UTC)  # of a Monday
    tick = timedelta(microseconds=1)
    store = DuckStore.in_memory()
    put(
        store,
        [{"started_at": midnight - tick, "cost_usd": USD(1)}, {"started_at": midnight, "cost_usd": USD(2)}],
        "attempts",
    )
    for at, spent in ((midnight, 0), (midnight + tick, 2), (midnight - tick, 0), (midnight + timedelta(days=6), 2)):
        asked = BudgetsQuery(BudgetsArgs(at=at.astimezone(shanghai)))
        rows = LocalClient(store, config=config).run(asked).rows.to_pylist()
        assert [row["spent_usd"] for row in rows] == [spent, spent]
    store.close()


def test_a_forecast_ends_with_the_budgets_own_period() -> None:
    """A budget of a day was projected to the end of the month: BerriAI/litellm issue 31934."""
    at = datetime(2026, 11, 20, tzinfo=UTC)
    days = [((at - timedelta(days=number)).date(), 10.0) for number in range(28, 0, -1)]
    found, periods = {}, get_args(BudgetPeriod)
    for period in periods:
        start, end = budget_period(period, at)
        found[period] = forecast_spend((at - start).days * 10.0, days, at, end, 100)
    assert found["week"] is not None
    assert found["month"] is not None
    assert found["week"].usd == pytest.approx(70)
    assert found["month"].usd == pytest.approx(300)
    assert found["week"].runs_out_at is None
