"""Lists of requests: filtered, ordered, and paged without losing or repeating one."""

import base64
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.client.queries.request_list import REQUEST_COLUMNS, RequestOrder, RequestsArgs, RequestsQuery
from controlsurface.errors import BadRequest
from controlsurface.store.duckdb import DuckStore

Row = dict[str, Any]
ORDERS: tuple[RequestOrder, ...] = get_args(RequestOrder)
KEYS: dict[RequestOrder, Callable[[Row], Any]] = {
    "recent": lambda row: row["started_at"],
    "slowest": lambda row: row["duration_ms"],
    "costliest": lambda row: row["cost_usd"],
    "near_threshold": lambda row: near(row) if row["confidence_kind"] in {"probability", None} else None,
}


def near(row: Row) -> float | None:
    known, threshold = row["confidence"], row["threshold"]
    return None if known is None or threshold is None else -abs(known - threshold)


def listed(reader: LocalClient, **args: Any) -> list[Row]:
    return reader.run(RequestsQuery(RequestsArgs(**{"limit": 1000} | args))).rows.to_pylist()


def paged(reader: LocalClient, limit: int, order: RequestOrder, **args: Any) -> list[Row]:
    page = reader.run(RequestsQuery(RequestsArgs(limit=limit, order=order, **args)))
    rows = page.rows.to_pylist()
    while page.next:
        assert page.rows.num_rows == limit
        page = reader.run(RequestsQuery(RequestsArgs(limit=limit, order=order, cursor=page.next, **args)))
        rows += page.rows.to_pylist()
    return rows


def test_a_request_row_has_all_columns_of_the_contract(reader: LocalClient) -> None:
    contract = """request_id, trace_id, session_id, started_at, duration_ms, ttft_ms, task_type, router, router_version,
        reason, confidence, confidence_kind, threshold, requested_model, selected_model, selected_lane, answered_by,
        lane, escalated, escalation_kind, escalation_reason, attempts, steps, retries, cache, mode, gate, error_type,
        input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost_usd, overhead_usd, cost_source, tenant, team,
        job, user_id, environment, service, sample_weight"""
    assert {name.strip() for name in contract.split(",")} <= {
        *reader.run(RequestsQuery(RequestsArgs(limit=1))).rows.column_names
    }


def test_every_request_column_is_one_of_the_table(store: DuckStore) -> None:
    assert {*REQUEST_COLUMNS} <= {*store.state("SELECT * FROM requests LIMIT 0").column_names}


@pytest.mark.parametrize("order", ORDERS)
def test_pages_give_every_request_once_and_in_order(order: RequestOrder, reader: LocalClient) -> None:
    rows = paged(reader, 333, order)
    keys = [KEYS[order](row) for row in rows]
    known = [key for key in keys if key is not None]
    assert len({(row["trace_id"], row["span_id"]) for row in rows}) == len(rows) == 4_000
    assert known == sorted(known, reverse=True)
    assert keys[len(known) :] == [None] * (len(keys) - len(known))


@pytest.mark.parametrize("order", ORDERS)
def test_a_page_may_end_among_unknown_keys(order: RequestOrder, reader: LocalClient) -> None:
    args: Row = {"where": ["lane:unknown"]}
    assert paged(reader, 1, order, **args) == paged(reader, 1000, order, **args)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_range_of_confidence_holds_exactly_what_lies_in_it(reader: LocalClient, one: float, other: float) -> None:
    low, high = sorted((one, other))
    rows = listed(reader, confidence_min=low, confidence_max=high, order="near_threshold")
    assert all(low <= row["confidence"] <= high for row in rows)


def test_ranges_of_latency_and_cost_filter_requests(reader: LocalClient) -> None:
    rows = listed(reader, latency_ms_min=500, latency_ms_max=2000, cost_usd_min=0.001, cost_usd_max=0.01)
    assert 0 < len(rows) < 1000
    assert all(500 <= row["duration_ms"] <= 2000 and 0.001 <= row["cost_usd"] <= 0.01 for row in rows)


@pytest.mark.parametrize("flag", ["failed", "escalated"])
@pytest.mark.parametrize("value", [True, False])
def test_flags_filter_requests(flag: str, value: bool, reader: LocalClient) -> None:
    rows = listed(reader, **{flag: value})
    assert rows
    assert {row[flag] for row in rows} == {value}


@pytest.mark.parametrize("name", ["request_id", "trace_id", "session_id", "user_id"])
def test_the_request_list_filters_by_request_session_trace_or_user(name: str, reader: LocalClient) -> None:
    some = next(row for row in listed(reader) if row[name] is not None)
    rows = listed(reader, **{name: some[name]})
    assert some in rows
    assert {row[name] for row in rows} == {some[name]}


def test_a_trace_id_may_be_written_in_capitals(reader: LocalClient) -> None:
    (some,) = listed(reader, limit=1)
    assert some in listed(reader, trace_id=some["trace_id"].upper())


def test_dimensions_and_the_window_filter_requests(reader: LocalClient) -> None:
    rows = listed(reader, where=["tenant:acme", "tenant:", "lane:large"], start="2026-01-04", end="2026-01-05")
    assert rows
    assert all(row["tenant"] in {"acme", None} and row["lane"] == "large" for row in rows)
    assert all(row["started_at"].date().isoformat() == "2026-01-04" for row in rows)


def test_an_empty_store_has_one_empty_page(empty: LocalClient) -> None:
    page = empty.run(RequestsQuery())
    assert (page.rows.num_rows, page.next) == (0, None)


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_an_invented_cursor_is_refused(reader: LocalClient, text: str) -> None:
    with pytest.raises(BadRequest):
        reader.run(RequestsQuery(RequestsArgs(cursor=text or "x")))


@given(st.data())
def test_a_changed_cursor_is_refused(reader: LocalClient, data: st.DataObject) -> None:
    cursor = reader.run(RequestsQuery(RequestsArgs(limit=1))).next or ""
    place = data.draw(st.integers(0, len(cursor) - 2))  # the last character may hold unused bits
    changed = data.draw(st.sampled_from("ABCabc019-_").filter(lambda letter: letter != cursor[place]))
    with pytest.raises(BadRequest, match="cursor: "):
        reader.run(RequestsQuery(RequestsArgs(limit=1, cursor=cursor[:place] + changed + cursor[place + 1 :])))


def test_a_cursor_of_another_order_is_refused(reader: LocalClient) -> None:
    cursor = reader.run(RequestsQuery(RequestsArgs(order="slowest"))).next
    with pytest.raises(BadRequest, match="belongs to order=slowest, not recent"):
        reader.run(RequestsQuery(RequestsArgs(order="recent", cursor=cursor)))


@pytest.mark.parametrize("limit", [0, 1001, -1])
def test_a_page_has_between_one_and_a_thousand_requests(limit: int) -> None:
    with pytest.raises(BadRequest, match="limit: "):
        RequestsArgs(limit=limit)
