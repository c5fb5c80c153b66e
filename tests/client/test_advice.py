"""Advice comes with its figures where something is planted, and without support there is none."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.advice import ADVICE_RULES, AdviceQuery
from controlsurface.client.advice.advice_context import MIN_TIME
from controlsurface.client.queries.event_list import RecordEvent
from controlsurface.errors import BadRequest
from controlsurface.metrics.queries.event_query import ChangeEvent
from controlsurface.query.arguments import WeekRange
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

END = datetime(2026, 2, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
Row = dict[str, Any]


@pytest.fixture
def kept() -> Iterator[DuckStore]:
    store = DuckStore.in_memory()
    yield store
    store.close()


def advised(store: DuckStore, days: int = 7) -> tuple[list[Row], dict[str, str]]:
    """What is advised, and what came of each rule."""
    answer = LocalClient(store).run(AdviceQuery(WeekRange(start=END - timedelta(days=days), end=END)))
    return answer.rows.to_pylist(), {rule["rule"]: rule["state"] for rule in answer.facts["rules"]}


def requests(n: int = 336, **columns: Any) -> list[Row]:
    """One an hour for two weeks, ending with the window; values may be functions of their number."""
    return [{"started_at": END - (n - i) * HOUR} | {k: called(v, i) for k, v in columns.items()} for i in range(n)]


def called(value: Any, i: int) -> Any:
    return value(i) if callable(value) else value


def only(rows: list[Row], rule: str) -> Row:
    (row,) = (each for each in rows if each["rule"] == rule)
    return row


def test_a_task_type_above_the_limit_for_a_stable_week_wants_a_lane(kept: DuckStore) -> None:
    put(kept, requests(task_type="sql", escalated=lambda i: i % 2 == 0))
    row = only(advised(kept)[0], "escalation")
    assert row["title"] == "Add a lane, or refine the router, for sql"
    assert (row["value"], row["n"], row["where"], row["page"]) == (0.5, 168, "task_type:sql", "routing")
    assert row["low"] < 0.5 < row["high"]
    assert "the target is 20.0 %" in row["why"]


def test_advice_on_new_traffic_is_only_to_refine_the_router(kept: DuckStore) -> None:
    put(kept, requests(168, task_type="sql", escalated=lambda i: i % 2 == 0))
    assert only(advised(kept)[0], "escalation")["title"] == "Refine the router for sql"


def test_advice_rules_with_too_few_rows_say_so_and_advise_nothing(kept: DuckStore) -> None:
    put(kept, requests(20, task_type="sql", escalated=True))
    rows, states = advised(kept)
    assert (rows, states["escalation"]) == ([], "too few")


def test_advice_rules_without_data_say_nothing(kept: DuckStore) -> None:
    rows, states = advised(kept)
    assert (rows, {*states}, {*states.values()}) == ([], {*ADVICE_RULES}, {"no data"})


def pairs(lane: str, shadow: str, differ: Any) -> list[Row]:
    """An answer of one lane and the shadow's of the other, an hour."""
    answers = requests(168, request_id=lambda i: f"r{i}", lane=lane, task_type="sql", answer_label="yes")
    shadows = requests(
        168,
        request_id=lambda i: f"r{i}",
        lane=shadow,
        task_type="sql",
        purpose="shadow",
        shadow_of=lambda i: f"r{i}",
        answer_label=lambda i: "no" if differ(i) else "yes",
    )
    return [row | {"span_id": i, "attempt_id": str(i)} for i, row in enumerate(answers + shadows, 1)]


@pytest.mark.parametrize(
    ("lane", "shadow", "differ", "title"),
    [
        ("large", "small", lambda i: False, "Route down sql"),
        ("large", "small", lambda i: i % 10 == 0, "Route down with monitoring: sql"),
        ("small", "large", lambda i: i % 2 == 0, "Raise sql's threshold"),
    ],
)
def test_shadows_say_which_lane_a_task_type_belongs_to(
    kept: DuckStore, lane: str, shadow: str, differ: Any, title: str
) -> None:
    put(kept, pairs(lane, shadow, differ), "attempts")
    rows, _ = advised(kept)
    assert [row["title"] for row in rows if row["rule"].startswith("route_")] == [title]


@pytest.mark.parametrize(("lane", "shadow"), [("large", "small"), ("small", "large")])
def test_shadows_that_settle_nothing_advise_nothing(kept: DuckStore, lane: str, shadow: str) -> None:
    put(kept, pairs(lane, shadow, lambda i: i % 5 == 0), "attempts")
    assert [row for row in advised(kept)[0] if row["rule"].startswith("route_")] == []


def test_a_large_lane_that_fails_more_gates_is_not_worth_escalating_to(kept: DuckStore) -> None:
    small = requests(168, task_type="sql", gate=lambda i: "pass" if i % 20 else "fail")
    large = requests(168, task_type="sql", lane="large", gate=lambda i: "pass" if i % 3 else "fail")
    put(kept, [*small, *large], "attempts")
    assert only(advised(kept)[0], "strong_is_worse")["title"] == "Stop escalating sql"


@pytest.mark.parametrize(("overhead", "found"), [(0.002, []), (0.02, ["Make the router cheaper"])])
def test_a_router_that_costs_more_than_it_saves_is_named(kept: DuckStore, overhead: float, found: list[str]) -> None:
    small, large = (requests(168, task_type="sql", lane=lane, cost_usd=usd) for lane, usd in LANES)
    put(kept, [*small, *large])
    put(kept, requests(168, purpose="classifier", cost_usd=overhead), "attempts")
    assert [row["title"] for row in advised(kept)[0] if row["rule"] == "overhead"] == found


LANES = (("small", 0.001), ("large", 0.011))


def test_a_model_without_a_price_a_job_in_real_time_and_a_full_window_are_named(kept: DuckStore) -> None:
    put(kept, requests(job="nightly", mode=lambda i: "batch" if i % 2 else "realtime"))
    put(
        kept, requests(model="own", task_type="sql", input_tokens=900, output_tokens=9, context_window=1000), "attempts"
    )
    titles = {row["title"] for row in advised(kept)[0]}
    assert titles == {
        "Give own a price in prices.toml",
        "Send nightly as batch",
        "Send long inputs of sql past the small lane",
    }


@pytest.mark.parametrize(
    ("streamed", "title"),
    [
        (True, "gpt-5-mini: 60 streamed calls came without usage: set `stream_options.include_usage`"),
        (
            False,
            "gpt-5-mini: 60 calls came without usage: set `gen_ai.usage.input_tokens` and `gen_ai.usage.output_tokens`",
        ),
    ],
)
def test_calls_without_usage_want_token_counts_and_no_price(kept: DuckStore, streamed: bool, title: str) -> None:
    calls = requests(168, model="gpt-5-mini", input_tokens=10, output_tokens=1, cost_usd=0.1)
    unknown = {"input_tokens": None, "output_tokens": None, "cost_usd": None, "streamed": streamed}
    put(kept, [row | (unknown if i < 60 else {}) for i, row in enumerate(calls)], "attempts")
    rows, states = advised(kept)
    assert [row["title"] for row in rows if row["metric"] in {"calls_without_usage", "priced_share"}] == [title]
    assert (only(rows, "usage")["n"], states["unpriced"]) == (60, "nothing")


def test_a_model_of_which_some_calls_lack_usage_and_others_a_price_wants_both(kept: DuckStore) -> None:
    calls = requests(168, model="own", input_tokens=10, output_tokens=1)
    put(kept, [row | ({"output_tokens": None} if i < 60 else {}) for i, row in enumerate(calls)], "attempts")
    assert {row["rule"] for row in advised(kept)[0]} == {"usage", "unpriced"}


def test_an_embedding_writes_no_tokens_and_lacks_none(kept: DuckStore) -> None:
    put(kept, requests(168, model="own", purpose="embedding", input_tokens=10, output_tokens=None), "attempts")
    assert {row["rule"] for row in advised(kept)[0]} == {"unpriced"}


def test_answers_that_grow_are_named_over_a_week_and_not_over_a_day(kept: DuckStore) -> None:
    put(kept, requests(task_type="sql", output_tokens=lambda i: 100 + i // 2 + i % 7))
    assert only(advised(kept)[0], "growth")["title"] == "Bound the answers of sql"
    _, states = advised(kept, days=1)
    assert states["growth"] == "window too short"


@pytest.mark.parametrize(("kind", "found"), [("price", ["Recalibrate the thresholds"]), ("deploy", []), ("other", [])])
def test_thresholds_older_than_a_price_are_stale(kept: DuckStore, kind: str, found: list[str]) -> None:
    put(kept, requests(threshold=0.6))
    LocalClient(kept).execute(
        RecordEvent(ChangeEvent.model_validate({"at": END - 9 * HOUR, "kind": kind, "title": "gpt-5 changed"}))
    )
    assert [row["title"] for row in advised(kept)[0] if row["rule"] == "stale_thresholds"] == found


def test_advice_on_most_requests_comes_first(kept: DuckStore) -> None:
    put(kept, requests(task_type=lambda i: "rare" if i % 5 == 0 else "usual", escalated=True))
    assert [row["where"] for row in advised(kept)[0]] == ["task_type:usual", "task_type:rare"]


def test_a_window_backwards_is_refused() -> None:
    with pytest.raises(BadRequest, match="lies before start"):
        WeekRange(start=END, end=END - HOUR)


@pytest.mark.parametrize("end", [MIN_TIME, datetime(412, 1, 13, tzinfo=UTC)], ids=["the first moment", "year 412"])
def test_advice_at_the_beginning_of_time_has_nothing_to_compare_with(kept: DuckStore, end: datetime) -> None:
    assert LocalClient(kept).run(AdviceQuery(WeekRange(start=MIN_TIME, end=end))).rows.num_rows == 0
