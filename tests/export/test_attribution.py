"""What a week cost is the exact sum of its calls, however it is broken down."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import AttributionQuery, MetricQuery
from controlsurface.errors import BadRequest, UnknownName
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.money.cost_attribution import SUMMED_COLUMNS, TOKEN_COLUMNS, AttributionArgs, week_of, week_start
from controlsurface.query.dimensions import DIMENSIONS, SHARED_DIMENSIONS
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

WEEK = "2026-W02"  # the stores' traffic ends in it
breakdowns = st.lists(st.sampled_from(DIMENSIONS["attempts"]), max_size=6, unique=True)


def rows(reader: LocalClient, *by: str, week: str = WEEK) -> list[dict[str, Any]]:
    return reader.run(AttributionQuery(AttributionArgs(week=week, by=by))).rows.to_pylist()


@cache
def _calls(store: DuckStore) -> list[dict[str, Any]]:
    """The stored calls of the week."""
    return [
        row
        for row in store.state("SELECT * FROM attempts").to_pylist()
        if row["started_at"] and week_of(row["started_at"].replace(tzinfo=UTC)) == WEEK
    ]


def summed(found: list[dict[str, Any]], name: str) -> Decimal:
    return sum((row[name] for row in found if row[name] is not None), Decimal(0))


@cache
def _requests(store: DuckStore) -> list[dict[str, Any]]:
    """The stored requests of the week."""
    return [
        row
        for row in store.state("SELECT * FROM requests").to_pylist()
        if row["started_at"] and week_of(row["started_at"].replace(tzinfo=UTC)) == WEEK
    ]


@given(breakdowns)
def test_any_breakdown_adds_up_to_the_week(reader: LocalClient, sampled: LocalClient, by: list[str]) -> None:
    for each in (reader, sampled):
        (total,) = rows(each)
        broken = rows(each, *by)
        assert [summed(broken, name) for name in SUMMED_COLUMNS] == [total[name] for name in SUMMED_COLUMNS]


def figures(reader: LocalClient, metric: str, by: list[str], **more: Any) -> dict[tuple[Any, ...], float]:
    """What a metric says of the week, by group."""
    week = {"start": week_start(WEEK), "end": week_start(WEEK) + timedelta(days=7)}
    found = reader.run(MetricQuery(MetricArgs(metric=metric, by=by, **week, **more))).rows.to_pylist()
    return {tuple(row[name] for name in by): row["value"] for row in found if row["value"]}


@given(st.lists(st.sampled_from(SHARED_DIMENSIONS), max_size=4, unique=True))
def test_requests_cost_and_tokens_of_every_group_are_those_of_the_metrics(
    reader: LocalClient, sampled: LocalClient, by: list[str]
) -> None:
    metrics = {"requests": "requests", "attempts": "attempts", "cost_usd": "cost"} | {
        name: name for name in TOKEN_COLUMNS
    }
    for each in (reader, sampled):
        groups = {tuple(row[name] for name in by): row for row in rows(each, *by)}
        for column, metric in metrics.items():
            mine = {group: float(row[column]) for group, row in groups.items() if row[column]}
            assert mine == pytest.approx(figures(each, metric, by), rel=1e-9), metric


@given(breakdowns)
def test_requests_of_any_breakdown_add_up_to_those_of_the_week(reader: LocalClient, by: list[str]) -> None:
    assert summed(rows(reader, *by), "requests") == figures(reader, "requests", [])[()]


def test_a_request_that_a_cache_answered_counts_and_owes_nothing(store: DuckStore, reader: LocalClient) -> None:
    (cached,) = (row for row in rows(reader, "lane") if row["lane"] == "cache")
    asked = [row for row in _requests(store) if row["lane"] == "cache"]
    assert cached["requests"] == len(asked) > 0
    assert [cached[name] for name in SUMMED_COLUMNS] == [0] * len(SUMMED_COLUMNS)
    assert cached["priced_share"] is None


def test_a_request_counts_where_the_call_that_answered_it_was(store: DuckStore, reader: LocalClient) -> None:
    answered = Counter(row["answered_by"] for row in _requests(store) if row["answered_by"])
    shown = {row["model"]: row["requests"] for row in rows(reader, "model") if row["model"]}
    failed = sum(row["failed"] for row in _requests(store))
    assert all(shown[model] >= count for model, count in answered.items())
    assert sum(shown.values()) - answered.total() <= failed  # what nothing answered counts where it was last tried


def test_a_call_that_was_not_good_enough_is_paid_for_and_answers_no_request() -> None:
    store = DuckStore.in_memory()
    base = {"request_id": "q", "started_at": week_start(WEEK)}
    put(store, [base | {"lane": "large", "answered_by": "big"}])
    tries = [{"lane": "small", "model": "tiny", "duration_ms": 5, "cost_usd": 1}]
    tries.append({"lane": "large", "model": "big", "duration_ms": 90, "cost_usd": 2})
    put(store, [base | each for each in tries], "attempts")
    found = {row["model"]: (row["requests"], row["cost_usd"]) for row in rows(LocalClient(store), "lane", "model")}
    assert found == {"tiny": (0, 1), "big": (1, 2)}
    store.close()


@pytest.mark.parametrize("by", [("model",), ("model", "operation")])
def test_a_hedged_request_counts_where_its_answer_came_from_and_a_failed_one_where_it_was_last_tried(
    by: tuple[str, ...],
) -> None:
    store = DuckStore.in_memory()
    hedged, failed = ({"request_id": each, "started_at": week_start(WEEK)} for each in "hf")
    put(store, [hedged | {"answered_by": "fast", "attempts": 2}, failed | {"attempts": 2, "failed": True}])
    tries = [
        hedged | {"model": "fast", "duration_ms": 5, "answered": True},
        hedged | {"model": "slow", "duration_ms": 90, "answered": False},  # it ended last, and nobody waited for it
        failed | {"model": "first", "duration_ms": 5, "failed": True, "answered": False},
        failed | {"model": "second", "duration_ms": 90, "failed": True, "answered": False},
    ]
    put(store, tries, "attempts")
    found = {row["model"]: row["requests"] for row in rows(LocalClient(store), *by)}
    assert found == {"fast": 1, "slow": 0, "first": 0, "second": 1}
    store.close()


def test_the_week_is_the_exact_sum_of_its_calls(store: DuckStore, reader: LocalClient) -> None:
    calls = _calls(store)
    (total,) = rows(reader)
    assert total["attempts"] == len(calls)
    assert total["cost_usd"] == sum(row["cost_usd"] for row in calls if row["cost_usd"] is not None)
    assert total["reasoning_tokens"] == sum(row["reasoning_tokens"] or 0 for row in calls)
    assert total["requests"] == len(_requests(store))
    assert 0 < total["priced_attempts"] < total["billable_attempts"] <= total["attempts"]


def test_sampled_calls_stand_for_those_that_were_not_kept(sampled: LocalClient) -> None:
    (total,) = rows(sampled)
    assert total["requests"] > 1_000  # requests were put; half of them this week, of which few were kept


def test_unassigned_cost_has_a_row(reader: LocalClient) -> None:
    (unassigned,) = (row for row in rows(reader, "team") if row["team"] is None)
    assert unassigned["cost_usd"] > 0


def test_calls_without_any_price_have_no_cost_rather_than_none_to_pay(reader: LocalClient) -> None:
    (unknown,) = (row for row in rows(reader, "lane") if row["lane"] == "unknown")
    assert unknown["cost_usd"] is None
    assert unknown["priced_share"] == 0


def test_a_week_without_calls_has_no_rows(reader: LocalClient) -> None:
    assert rows(reader, week="2001-W01") == rows(reader, "team", week="2001-W01") == []


@given(st.datetimes(datetime(2000, 1, 3), datetime(2999, 12, 1)))  # noqa: DTZ001 - made aware below
def test_every_moment_lies_in_its_week(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    begin = week_start(week_of(aware))
    assert begin.weekday() == 0
    assert begin <= aware < begin + timedelta(days=7)


@pytest.mark.parametrize(
    "week", ["2026-W54", "2025-W53", "2026-W00", "0000-W01", "9999-W52", "\uff12026-W01", "2026-47", ""]
)
def test_a_week_that_no_calendar_has_is_refused(week: str) -> None:
    with pytest.raises(BadRequest, match="is not a week; write 2026-W47"):
        AttributionArgs(week=week)


def test_a_dimension_outside_the_closed_set_is_refused(reader: LocalClient) -> None:
    with pytest.raises(UnknownName, match="did you mean 'team'"):
        rows(reader, "teams")
