"""Where chains fail: failed spans by name are those counted by hand, and errors that only went up are no origins."""

from collections import Counter
from collections.abc import Iterator

import pytest

from controlsurface.client.local_client import LocalClient
from controlsurface.client.queries.span_failures import SpanFailuresArgs, SpanFailuresQuery
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    """A seeded store in which each tenth span failed, whatever lies below it."""
    found = DuckStore.in_memory()
    seed(found, n=400, days=2)
    with found.writing() as writing:
        writing.execute("UPDATE spans SET status = CASE WHEN hash(span_id) % 10 = 0 THEN 2 ELSE 1 END")
    yield found
    found.close()


def test_failed_spans_are_counted_by_name_and_only_the_lowest_are_origins(store: DuckStore) -> None:
    sql = "SELECT trace_id, span_id, parent_span_id, name, status FROM spans"
    sql += " WHERE trace_id IN (SELECT trace_id FROM requests)"
    spans = store.state(sql).to_pylist()
    failed = [span for span in spans if span["status"] == 2]
    parents = {(span["trace_id"], span["parent_span_id"]) for span in failed}
    lowest = [span for span in failed if (span["trace_id"], span["span_id"]) not in parents]
    found = LocalClient(store).run(SpanFailuresQuery()).rows.to_pylist()
    assert {row["name"]: row["failed"] for row in found} == Counter(span["name"] for span in failed)
    assert {row["name"]: row["origins"] for row in found if row["origins"]} == Counter(s["name"] for s in lowest)
    assert {row["name"]: row["n"] for row in found}.items() <= Counter(span["name"] for span in spans).items()


def test_filters_leave_the_spans_of_other_requests_out(store: DuckStore) -> None:
    run = LocalClient(store).run
    own = run(SpanFailuresQuery(SpanFailuresArgs(where=("task_type:code",)))).rows.to_pylist()
    rest = run(SpanFailuresQuery()).rows.to_pylist()
    assert 0 < sum(row["failed"] for row in own) < sum(row["failed"] for row in rest)
    assert not run(SpanFailuresQuery(SpanFailuresArgs(where=("task_type:nothing",)))).rows.num_rows
