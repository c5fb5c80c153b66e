"""What a week cost is the exact sum of its calls, however it is broken down."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.errors import BadRequest, UnknownName
from controlsurface.metrics.dimensions import DIMENSIONS
from controlsurface.money.attribution import ADDED, AttributionArgs, monday, week_of
from controlsurface.reader import LocalReader
from controlsurface.store.duckdb import DuckStore

WEEK = "2026-W02"  # the stores' traffic ends in it
breakdowns = st.lists(st.sampled_from(DIMENSIONS["attempts"]), max_size=6, unique=True)


def rows(reader: LocalReader, *by: str, week: str = WEEK) -> list[dict[str, Any]]:
    return reader.attribution(AttributionArgs(week=week, by=by)).to_pylist()


@cache
def _calls(store: DuckStore) -> list[dict[str, Any]]:
    """The stored calls of the week."""
    return [
        row
        for row in store.rows("SELECT * FROM attempts").to_pylist()
        if row["started_at"] and week_of(row["started_at"].replace(tzinfo=UTC)) == WEEK
    ]


def summed(found: list[dict[str, Any]], name: str) -> Decimal:
    return sum((row[name] for row in found if row[name] is not None), Decimal(0))


@given(breakdowns)
def test_any_breakdown_adds_up_to_the_week(reader: LocalReader, sampled: LocalReader, by: list[str]) -> None:
    for each in (reader, sampled):
        (total,) = rows(each)
        broken = rows(each, *by)
        assert [summed(broken, name) for name in ADDED] == [total[name] for name in ADDED]


@given(breakdowns)
def test_a_request_counts_once_in_each_group_that_has_calls_of_it(
    store: DuckStore, reader: LocalReader, by: list[str]
) -> None:
    seen: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for call in _calls(store):
        seen[tuple(call[name] for name in by)] |= {call["request_id"]} - {None}
    assert {tuple(row[name] for name in by): row["requests"] for row in rows(reader, *by)} == {
        group: len(requests) for group, requests in seen.items()
    }


def test_the_week_is_the_exact_sum_of_its_calls(store: DuckStore, reader: LocalReader) -> None:
    calls = _calls(store)
    (total,) = rows(reader)
    assert total["attempts"] == len(calls)
    assert total["cost_usd"] == sum(row["cost_usd"] for row in calls if row["cost_usd"] is not None)
    assert total["reasoning_tokens"] == sum(row["reasoning_tokens"] or 0 for row in calls)
    assert total["requests"] == len({row["request_id"] for row in calls if row["request_id"]})
    assert 0 < total["priced_attempts"] < total["billable_attempts"] <= total["attempts"]


def test_sampled_calls_stand_for_those_that_were_not_kept(sampled: LocalReader) -> None:
    (total,) = rows(sampled)
    assert total["requests"] > 1_000  # requests were put; half of them this week, of which few were kept


def test_what_belongs_to_nobody_has_a_line(reader: LocalReader) -> None:
    (unassigned,) = (row for row in rows(reader, "team") if row["team"] is None)
    assert unassigned["cost_usd"] > 0


def test_a_group_without_any_price_has_no_cost_rather_than_none_to_pay(reader: LocalReader) -> None:
    (unknown,) = (row for row in rows(reader, "lane") if row["lane"] == "unknown")
    assert unknown["cost_usd"] is None
    assert unknown["priced_share"] == 0


def test_a_week_without_calls_has_no_rows(reader: LocalReader) -> None:
    assert rows(reader, week="2001-W01") == rows(reader, "team", week="2001-W01") == []


@given(st.datetimes(datetime(2000, 1, 3), datetime(2999, 12, 1)))  # noqa: DTZ001 - made aware below
def test_every_moment_lies_in_its_week(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    begin = monday(week_of(aware))
    assert begin.weekday() == 0
    assert begin <= aware < begin + timedelta(days=7)


@pytest.mark.parametrize(
    "week", ["2026-W54", "2025-W53", "2026-W00", "0000-W01", "9999-W52", "\uff12026-W01", "2026-47", ""]
)
def test_a_week_that_no_calendar_has_is_refused(week: str) -> None:
    with pytest.raises(BadRequest, match="is not a week; write 2026-W47"):
        AttributionArgs(week=week)


def test_a_dimension_outside_the_closed_set_is_refused(reader: LocalReader) -> None:
    with pytest.raises(UnknownName, match="did you mean 'team'"):
        rows(reader, "teams")
