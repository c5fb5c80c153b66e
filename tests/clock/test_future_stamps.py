"""What a wrong clock stamped in the future is not the newest for days: plans, review queue."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from controlsurface.audit import sampling_plan
from controlsurface.audit.answer_review import review_queue
from controlsurface.client import LocalClient
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.stores import put

NOW = datetime.now(UTC).replace(tzinfo=None)
YEARS = timedelta(days=700)


@pytest.fixture
def reader() -> Iterator[LocalClient]:
    made = LocalClient(DuckStore.in_memory())
    yield made
    made.close()


def test_a_sampling_plan_rests_on_the_last_week_though_one_request_is_of_the_future(reader: LocalClient) -> None:
    hours = [NOW - timedelta(hours=each) for each in range(100)]
    put(reader._store, [{"started_at": each, "task_type": "chat"} for each in (*hours, NOW + YEARS)])
    _, rows = sampling_plan._traffic(reader, sampling_plan.SamplingPlanArgs())
    assert sum(row["n"] for row in rows) == 101


def test_the_review_queue_is_kept_up_to_date_though_one_pair_is_of_the_future(reader: LocalClient) -> None:
    seed(reader._store, n=500, end=datetime.now(UTC))
    ask = review_queue.NextItemQuery(review_queue.NextItemArgs(reviewer="ana"))
    reader.run(ask)
    ahead = "UPDATE audit_items SET started_at = $at WHERE item_id = (SELECT min(item_id) FROM audit_items)"
    late = "UPDATE attempts SET answer_label = 'changed'"
    new = "UPDATE audit_items SET started_at = $now WHERE item_id = (SELECT max(item_id) FROM audit_items)"
    reader.write([(ahead, {"at": NOW + YEARS}), (late, {}), (new, {"now": NOW})])
    reader.cache.forget()
    reader.run(ask)
    rows = reader.state("FROM audit_items ORDER BY item_id DESC").to_pylist()
    assert rows[0]["shadow_label"] == "changed"
