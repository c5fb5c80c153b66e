"""Rules of decision: repetitive traffic, caches, break-even, debugging above tokens; and when none of them speaks."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.advice import AdviceQuery
from controlsurface.client.queries.costs.incidents import IncidentBody, RecordIncident
from controlsurface.config import Config
from controlsurface.money.break_even import break_even_requests
from controlsurface.query.arguments import WeekRange
from controlsurface.store.duckdb import DuckStore
from tests.client.test_advice import END, Row, requests
from tests.stores import put

WEEK = timedelta(days=7)


@pytest.fixture
def kept() -> Iterator[DuckStore]:
    store = DuckStore.in_memory()
    yield store
    store.close()


def advised(store: DuckStore, rule: str, **config: Any) -> tuple[list[Row], str]:
    """What a rule says of the last week, and its state."""
    client = LocalClient(store, config=Config.model_validate(config))
    answer = client.run(AdviceQuery(WeekRange(start=END - WEEK, end=END)))
    (state,) = (each["state"] for each in answer.facts["rules"] if each["rule"] == rule)
    return [row for row in answer.rows.to_pylist() if row["rule"] == rule], state


def of_task_types(*counts: int) -> list[Row]:
    """So many requests of task types a, b, ..."""
    names = [name for name, n in zip("abcdefghij", counts, strict=False) for _ in range(n)]
    return requests(len(names), task_type=lambda i: names[i])


def test_few_of_many_task_types_that_are_most_of_the_traffic_are_named(kept: DuckStore) -> None:
    put(kept, of_task_types(80, 50, 9, 8, 5, 4, 4))
    ((row,), _) = advised(kept, "repetitive")
    assert row["title"] == "2 of 7 task types are most of the traffic: route them by rule"
    assert row["value"] == pytest.approx(130 / 160)
    assert row["low"] < row["value"] < row["high"]


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ((20, 1, 1, 1, 1, 1), "too few"),
        ((140, 20), "nothing"),  # most of two task types is no pattern
        ((30, 30, 30, 30, 30), "nothing"),
    ],
)
def test_traffic_without_a_pattern_is_not_called_repetitive(
    kept: DuckStore, counts: tuple[int, ...], state: str
) -> None:
    put(kept, of_task_types(*counts))
    assert advised(kept, "repetitive") == ([], state)


def test_traffic_of_unknown_task_types_counts_against_a_pattern(kept: DuckStore) -> None:
    known = of_task_types(60, 5, 5, 5, 5, 5)
    put(kept, [*known, *requests(60)])
    assert advised(kept, "repetitive") == ([], "nothing")


def test_prompts_that_repeat_within_the_time_of_a_cache_are_named_with_their_cost(kept: DuckStore) -> None:
    calls = requests(160, task_type="faq", model="m", cost_usd=0.01, prompt_hash=lambda i: f"p{i // 4}")
    fast = [row | {"request_id": f"r{i}", "attempt_id": f"{i:04}"} for i, row in enumerate(calls)]
    put(kept, fast, "attempts")
    assert advised(kept, "cache") == ([], "nothing")  # an hour apart, and an entry lives as long
    ((row,), _) = advised(kept, "cache", advice={"cache_ttl": "4h"})
    assert (row["title"], row["value"], row["n"]) == ("Cache answers of faq", 0.75, 160)
    assert "they cost $1.20 of $1.60" in row["why"]


def test_calls_without_a_hash_of_their_prompt_say_nothing_about_caches(kept: DuckStore) -> None:
    put(kept, requests(168, task_type="faq", cost_usd=0.01), "attempts")
    assert advised(kept, "cache") == ([], "no data")


@pytest.mark.parametrize(
    ("monthly", "title"), [(1, []), (30, ["Route by rule until there are more requests"]), (0, [])]
)
def test_a_router_with_too_few_requests_for_its_fixed_cost_is_named(
    kept: DuckStore, monthly: float, title: list[str]
) -> None:
    for lane, usd in (("small", 0.001), ("large", 0.011)):
        put(kept, requests(168, task_type="sql", lane=lane, cost_usd=usd))
    rows, _ = advised(kept, "break_even", advice={"router_usd_per_month": monthly})
    assert [row["title"] for row in rows] == title
    for row in rows:  # half of the requests save a cent: 30 USD are 6,000 requests, and 336 a week are 1,440 a month
        assert row["value"] == pytest.approx(6000)
        assert "at 6,000 requests a month; there are 1,440" in row["why"]


# swarm-ai-research/swarm 261, jfoclpf/autocosts 92: a division by nothing, and infinity for an answer.
@pytest.mark.parametrize(
    ("saved", "spent", "expected"), [(0.0, 0.0, None), (0.001, 0.001, None), (0.001, 0.002, None), (0.01, 0, 5000)]
)
def test_a_router_that_saves_nothing_never_breaks_even(saved: float, spent: float, expected: float | None) -> None:
    assert break_even_requests(50, saved, spent) == expected


def test_a_router_without_fixed_cost_is_even_from_the_first_request() -> None:
    assert break_even_requests(0, 0.01) == 0


@pytest.mark.parametrize(
    ("minutes", "usd", "found"),
    [(60, 0.1, True), (60, 1.0, False), (60, None, False)],
    ids=["dearer", "cheaper", "calls without a price"],
)
def test_incidents_that_cost_more_than_the_calls_are_named(
    kept: DuckStore, minutes: float, usd: float | None, found: bool
) -> None:
    put(kept, requests(168, cost_usd=usd, priced=usd is not None))
    put(kept, requests(168, cost_usd=usd, input_tokens=1), "attempts")
    LocalClient(kept).execute(
        RecordIncident(IncidentBody(started_at=END - timedelta(days=1), minutes=minutes, recorded_by="ann"))
    )
    rows, _ = advised(kept, "debugging", control={"hourly_usd": 90})
    assert [row["value"] for row in rows] == ([90.0] if found else [])


def test_incidents_without_a_rate_say_nothing_about_debugging(kept: DuckStore) -> None:
    put(kept, requests(168, cost_usd=0.1))
    LocalClient(kept).execute(
        RecordIncident(IncidentBody(started_at=END - timedelta(days=1), minutes=60, recorded_by="ann"))
    )
    assert advised(kept, "debugging") == ([], "no data")
