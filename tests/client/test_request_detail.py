"""One request, one trace: everything that belongs to it and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.request_detail import Near, RequestQuery, TraceQuery
from controlsurface.client.queries.request_list import RequestsArgs, RequestsQuery
from controlsurface.errors import BadRequest, NotFound
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

TRACE = "00000000000000000000000000000001"


@pytest.fixture(scope="module")
def cascaded(reader: LocalClient) -> dict[str, Any]:
    rows = reader.run(RequestsQuery(RequestsArgs(where=["escalation_kind:cascaded"]))).rows.to_pylist()
    return next(row for row in rows if row["started_at"] and row["cost_usd"])


def spans_of(trace: Any) -> list[dict[str, Any]]:
    return [span for r in trace["resourceSpans"] for s in r["scopeSpans"] for span in s["spans"]]


def test_a_request_comes_with_its_attempts_and_their_cost(cascaded: dict[str, Any], reader: LocalClient) -> None:
    detail = reader.run(RequestQuery(cascaded["request_id"]))
    attempts = [row for row in detail.attempts.to_pylist() if row["purpose"] == "user"]
    assert detail.request == cascaded
    assert [row["lane"] for row in attempts] == ["small", "large"]
    assert sum(row["cost_usd"] for row in attempts) == cascaded["cost_usd"]


def test_a_time_hint_changes_no_request_even_when_it_is_wrong(cascaded: dict[str, Any], reader: LocalClient) -> None:
    found = reader.run(RequestQuery(cascaded["request_id"]))
    assert reader.run(RequestQuery(cascaded["request_id"], Near(near=cascaded["started_at"]))) == found
    assert reader.run(RequestQuery(cascaded["request_id"], Near(near=datetime(1999, 1, 1, tzinfo=UTC)))) == found


def test_attempts_are_found_however_far_away_or_undated_they_are(store: DuckStore, reader: LocalClient) -> None:
    sql = "SELECT request_id FROM attempts WHERE started_at IS NULL AND request_id IS NOT NULL"
    for name in [*store.state(sql)["request_id"].to_pylist(), "req-0"]:
        found = reader.run(RequestQuery(str(name)))
        assert found.attempts.num_rows == found.request["steps"]


def test_evaluations_of_other_requests_in_the_trace_are_left_out(store: DuckStore, reader: LocalClient) -> None:
    sql = "SELECT request_id, evaluation_id FROM attempts JOIN evaluations USING (trace_id, span_id) LIMIT 50"
    for row in store.state(sql).to_pylist():
        found = reader.run(RequestQuery(row["request_id"]))
        spans = {found.request["span_id"], *found.attempts["span_id"].to_pylist()}
        assert row["evaluation_id"] in found.evaluations["evaluation_id"].to_pylist()
        assert {*found.evaluations["span_id"].to_pylist()} <= spans | {None}


def test_the_newest_of_two_requests_with_one_id_is_shown() -> None:
    store = DuckStore.in_memory()
    put(store, [{"started_at": f"2026-01-0{day}", "reason": f"day {day}"} for day in (1, 3, 2)])
    assert LocalClient(store).run(RequestQuery("r")).request["reason"] == "day 3"
    store.close()


def test_a_request_that_is_not_there_is_not_found(reader: LocalClient) -> None:
    with pytest.raises(NotFound, match="no request 'nope'"):
        reader.run(RequestQuery("nope"))


def test_a_trace_has_the_spans_of_its_requests_and_attempts(cascaded: dict[str, Any], reader: LocalClient) -> None:
    spans = spans_of(reader.run(TraceQuery(cascaded["trace_id"])).facts)
    wanted = {cascaded["span_id"], *reader.run(RequestQuery(cascaded["request_id"])).attempts["span_id"].to_pylist()}
    assert wanted <= {span["spanId"] for span in spans}
    assert {span["traceId"] for span in spans} == {cascaded["trace_id"]}
    starts = [int(span["startTimeUnixNano"]) for span in spans]
    assert starts == sorted(starts)


def test_a_time_hint_finds_the_same_trace(cascaded: dict[str, Any], reader: LocalClient) -> None:
    found = reader.run(TraceQuery(cascaded["trace_id"])).facts
    for hint in (cascaded["started_at"], cascaded["started_at"] + timedelta(days=2)):
        assert reader.run(TraceQuery(cascaded["trace_id"].upper(), Near(near=hint))).facts == found


def test_a_time_hint_does_not_cut_a_trace_that_is_longer_than_its_window(store: DuckStore) -> None:
    long = DuckStore.in_memory()
    put_spans(long, [("2026-01-01 10:00", 1, None), ("2026-01-01 10:30", 2, 1), ("2026-01-01 15:00", 3, 1)])
    reader = LocalClient(long)
    near = datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert len(spans_of(reader.run(TraceQuery(TRACE, Near(near=near))).facts)) == 3
    long.close()


def put_spans(store: DuckStore, spans: list[tuple[str, int, int | None]]) -> None:
    """Spans of one trace that lie in time as given; the first lasts until the last begins."""
    with store.writing() as writing:
        writing.execute("CREATE TEMP TABLE wanted AS SELECT * FROM spans LIMIT 0")
        for started_at, span_id, parent in spans:
            end = spans[-1][0] if parent is None else started_at
            values = {"at": started_at, "end": end, "id": span_id, "parent": parent, "trace": TRACE}
            writing.execute(
                """
                INSERT INTO spans BY NAME
                SELECT
                    CAST($trace AS UUID) AS trace_id, $id AS span_id, $parent AS parent_span_id, 'x' AS name, 1 AS kind,
                    epoch_ns(CAST($at AS TIMESTAMP)) AS start_ns, epoch_ns(CAST($end AS TIMESTAMP)) AS end_ns,
                    CAST($at AS TIMESTAMP) AS started_at, 0 AS status, ''::BLOB AS span, '\\x12\\x00'::BLOB AS around,
                    started_at AS received_at, 1 AS content_hash, false AS is_request, false AS is_gateway,
                    false AS is_decision, false AS is_dispatch, false AS is_cache_lookup, false AS is_call,
                    false AS is_failed_call
                """,
                values,
            )


@pytest.mark.parametrize("text", ["", "xyz", "0" * 31, "0" * 33, "g" * 32, "0" * 32 + "\n"])
def test_an_invalid_trace_id_is_refused(text: str, reader: LocalClient) -> None:
    with pytest.raises(BadRequest, match="not 32 hex digits"):
        reader.run(TraceQuery(text))


def test_a_trace_that_is_not_there_is_not_found(reader: LocalClient) -> None:
    with pytest.raises(NotFound):
        reader.run(TraceQuery("f" * 32))
